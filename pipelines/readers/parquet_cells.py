"""How large the cells of Parquet are, before they are decoded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.arrow import is_list, pa, pc, pq

_USUAL_DICTIONARY = 1 << 21  # bytes; writers end a dictionary at one megabyte


def require_small_cells(path: Path, metadata: Any, columns: Sequence[str], most: int) -> None:
    """Refuses a file some of whose texts are too long, without decoding its rows.

    A text is stored once in the dictionary of its column, however many rows have it: two kilobytes
    may stand for 4096 texts of 100 megabytes. Metadata tells how large a column is when it is
    decompressed; only where its dictionary is larger than writers make them is that looked at.

    Args:
        path: The file.
        metadata: Its metadata.
        columns: The columns to be read.
        most: Most bytes of a text.

    Raises:
        ValueError: If a text, or the mean of a column, has more.
    """
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            name = column.path_in_schema
            wanted = any(name == one or name.startswith(f"{one}.") for one in columns)
            if not wanted or column.physical_type != "BYTE_ARRAY":
                continue
            size = column.total_uncompressed_size // max(column.num_values, 1)
            if size <= most and column.has_dictionary_page:
                size = _longest_of_dictionary(path, group, column)
            if size > most:
                raise ValueError(
                    f"`{name}` must have texts of at most max_cell_size bytes. Received: "
                    f"max_cell_size={most} and a text of {size} bytes in {path}, row group "
                    f"{group}. Make the file again, or raise max_cell_size."
                )


def _longest_of_dictionary(path: Path, group: int, column: Any) -> int:
    """Returns the bytes of the longest text of a dictionary of unusual size; 0 for others."""
    if min(_dictionary_size(path, column), column.total_uncompressed_size) <= _USUAL_DICTIONARY:
        return 0
    name = column.path_in_schema
    with pq.ParquetFile(path, memory_map=True, read_dictionary=[name]) as file:
        batch = next(file.iter_batches(1, row_groups=[group], columns=[name]))
    texts = batch.column(0)
    while not pa.types.is_dictionary(texts.type):  # a list, or a struct of this one field
        texts = texts.flatten() if is_list(texts.type) else texts.field(0)
    return int(pc.max(pc.binary_length(texts.dictionary)).as_py() or 0)


def _dictionary_size(path: Path, column: Any) -> int:
    """Returns the size of a dictionary page when decompressed, which its header begins with.

    In Thrift's compact protocol: field 1, the type of the page, and field 2, the size, each a byte
    0x15 and a number in groups of seven bits, zigzag.
    """
    with path.open("rb") as file:
        file.seek(column.dictionary_page_offset)
        header = iter(file.read(16))
    numbers = []
    for _ in range(2):
        if next(header, None) != 0x15:
            return int(column.total_uncompressed_size)  # another form of header: at most this
        number = shift = 0
        for byte in header:
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers.append(number >> 1)
    return numbers[1]
