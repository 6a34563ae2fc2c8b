"""Lines of text files with the place of each."""

from collections.abc import Iterator
from typing import Any

from apache_beam.io.filebasedsource import FileBasedSource

from pipelines.beam.open_stream import open_stream


class LineSource(FileBasedSource):
    """Reads `(file, offset, line)`: where Beam's own text source tells no place of a line.

    A large file is read in ranges by several workers; a compressed one by one worker.

    Args:
        file_pattern: Files, of any file system of Beam.
    """

    def read_records(
        self, file_name: str, offset_range_tracker: Any
    ) -> Iterator[tuple[str, int, bytes]]:
        """Yields the lines that begin in a range of bytes."""
        offset = offset_range_tracker.start_position()
        with open_stream(file_name) as file:
            if offset:
                # A line belongs to the range of its first byte: pass over the rest of one that
                # begins before.
                file.seek(offset - 1)
                offset += len(file.readline()) - 1
            while offset_range_tracker.try_claim(offset):
                line = file.readline()
                if not line:
                    return
                yield file_name, offset, line
                offset += len(line)
