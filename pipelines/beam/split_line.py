"""One line of CSV to its cells."""

import csv


def split_line(line: bytes, delimiter: str) -> list[str]:
    r"""Returns the cells of a line; none for a blank one.

    Files are cut at ends of line before anything is known of quotes, so that several workers can
    read one file. Therefore a quoted cell cannot hold an end of line here.

    Args:
        line: A line, with or without its end.
        delimiter: What separates cells.

    Returns:
        Text, with bytes that are no UTF-8 as lone surrogates.

    Raises:
        ValueError: If a quote is not closed or stands in a wrong place.

    Example:
        >>> split_line(b'7,"Heat, 1995"\r\n', ",")
        ['7', 'Heat, 1995']
    """
    text = line.decode("utf-8-sig", errors="surrogateescape").rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(f"A row must be CSV on one line. Received: {error}") from error
