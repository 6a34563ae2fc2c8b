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
            at all, or a line is longer than `options.max_line_size`.

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
        with contextlib.ExitStack() as closing:
            if utf8 and options.comment is None and options.separator == options.delimiter:
                if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                    file.seek(0)
            else:
                # Closed here, and not when it is collected: the file may be closed by then.
                recoded = _Recoded(file, path, options)
                file = closing.enter_context(io.BufferedReader(recoded, _LINES))
            limited = _Limited(file, path, options.max_line_size)
            yield closing.enter_context(io.BufferedReader(limited, _LINES))


class _Limited(io.RawIOBase):
    """Bytes whose lines are of bounded length, whoever asks for a line."""

    def __init__(self, file: IO[bytes], path: Path, most: int) -> None:
        self._file, self._path, self._most = file, path, most
        self._line, self._size = 1, 0  # the line that the next byte is of, and its bytes so far

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # No more at a time than a line may have: all but the first of a piece are short enough.
        piece = self._file.read1(min(len(buffer), self._most))  # type: ignore[attr-defined]
        end = piece.find(b"\n")
        if self._size + (len(piece) if end < 0 else end) > self._most:
            raise _too_long(self._path, self._line, self._most)
        if end < 0:
            self._size += len(piece)
        else:
            self._line += piece.count(b"\n")
            self._size = len(piece) - piece.rfind(b"\n") - 1
        buffer[: len(piece)] = piece
        return len(piece)


def _too_long(path: Path, line: int, most: int) -> ValueError:
    return ValueError(
        f"`{path}` must have lines of at most max_line_size bytes. Received: max_line_size={most} "
        f"and a longer line {line}. Make the file again, or raise max_line_size."
    )


class _Recoded(io.RawIOBase):
    """Whole lines of another encoding or dialect."""

    def __init__(self, file: IO[bytes], path: Path, options: FormatOptions) -> None:
        self._text = io.TextIOWrapper(file, options.encoding, errors="surrogateescape", newline="")
        self._path, self._options = path, options
        self._left = memoryview(b"")
        self._first, self._quotes, self._lines = True, 0, 1

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
            text = self._text.read(_LINES)
            rest = self._text.readline(options.max_line_size + 1)
        except UnicodeError as error:
            raise ValueError(
                f"`{self._path}` must be {options.encoding}. Received: {error}. Set the encoding."
            ) from error
        if len(rest) > options.max_line_size and not rest.endswith("\n"):
            raise _too_long(self._path, self._lines + text.count("\n"), options.max_line_size)
        text += rest
        self._lines += text.count("\n")
        if self._first and text:
            self._first, text = False, text.removeprefix("\ufeff")
        if options.comment is not None:
            lines = io.StringIO(text, newline="")
            text = "".join(map(self._without_comment, lines))
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
