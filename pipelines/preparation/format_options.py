"""How files are written, as the readers take it."""

from pipelines.configuration.data import Data
from pipelines.readers.format_options import FormatOptions


def format_options(data: Data) -> FormatOptions:
    """Returns how the files of a configuration are written.

    Example:
        >>> format_options(Data(format="csv", train="a.csv", delimiter=";")).delimiter
        ';'
    """
    return FormatOptions(
        str(data.format),
        lists=data.lists,
        missing=data.missing,
        delimiter=data.delimiter,
        header=data.header,
        names=data.names,
        num_fields=data.num_fields,
        index_base=data.index_base,
    )
