"""Files of text in any encoding, as UTF-8."""

import codecs
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pipelines.readers.files import open_bytes
from pipelines.readers.formats import UNIT_SEPARATOR, FormatOptions

_LINES = 1 << 18  # characters that are recoded at once


@contextlib.contextmanager
def open_text(path: Path, options: FormatOptions) -> Iterator[IO[bytes]]:
    r"""Opens a file of text as its readers know it, decompressed and in UTF-8.

    A byte order mark is left out, lines of comment are blank, and between cells stands
    `options.separator`; lines keep their numbers and ends.

    Args:
        path: The file.
        options: Encoding, comments and delimiter.

    Yields:
        The bytes. What is not of the encoding is not UTF-8 either, so that it spoils its own row
        only.

    Raises:
        ValueError: As `open_bytes`; also while the block reads, if what follows cannot be decoded
            at all.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_bytes("\ufeffcaf\xe9".encode("utf-16"))
        >>> with open_text(path, FormatOptions("csv", encoding="utf-16")) as file:
        ...     file.read().decode()
        'caf\xe9'
    """
    with open_bytes(path) as file:
        utf8 = codecs.lookup(options.encoding).name in ("utf-8", "utf-8-sig")
        if utf8 and options.comment is None and options.separator == options.delimiter:
            if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                file.seek(0)
            yield file
        else:
            # Closed here, and not when it is collected: the file may be closed by then.
            with io.BufferedReader(_Recoded(file, path, options), _LINES) as recoded:
                yield recoded


class _Recoded(io.RawIOBase):
    """Whole lines of another encoding or dialect."""

    def __init__(self, file: IO[bytes], path: Path, options: FormatOptions) -> None:
        self._text = io.TextIOWrapper(file, options.encoding, errors="surrogateescape", newline="")
        self._path, self._options = path, options
        self._left = memoryview(b"")
        self._first, self._quotes = True, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(self._next())
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._text.detach()  # the file is closed by who opened it
        super().close()

    def _next(self) -> bytes:
        options = self._options
        try:
            lines = self._text.readlines(_LINES)
        except UnicodeError as error:
            raise ValueError(
                f"`{self._path}` must be {options.encoding}. Received: {error}. Set the encoding."
            ) from error
        if self._first and lines:
            self._first, lines[0] = False, lines[0].removeprefix("\ufeff")
        if options.comment is not None:
            lines = list(map(self._without_comment, lines))
        text = "".join(lines)
        if options.separator != options.delimiter:
            if options.separator in text:
                raise ValueError(
                    f"`{self._path}` must not hold {UNIT_SEPARATOR!r} where the delimiter has "
                    f"several characters. Received: delimiter={options.delimiter!r}."
                )
            text = text.replace(options.delimiter, options.separator)
        # Bytes that were not of the encoding must not become UTF-8 by chance.
        return text.encode("utf-8", "surrogatepass")

    def _without_comment(self, line: str) -> str:
        """Blanks a line of comment; inside a quoted cell there is none."""
        comment = self._options.comment or ""
        if not self._quotes % 2 and line.startswith(comment):
            return line[len(line.rstrip("\r\n")) :]
        if self._options.quoting:
            self._quotes += line.count('"')
        return line
