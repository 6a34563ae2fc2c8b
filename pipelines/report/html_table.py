"""Tables that a screen reader can follow."""

from collections.abc import Iterable, Sequence


def html_table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], style: str = ""
) -> str:
    """Returns a table with a caption, a heading for each column and one for each row.

    Args:
        caption: What the table shows.
        headings: HTML, one for each column.
        rows: Cells of HTML; the first of a row is its heading.
        style: Class of the table.

    Example:
        >>> html_table("Ages", ["name", "age"], [["Ann", "40"]]).count("<th ")
        3
    """
    head = "".join(f'<th scope="col">{cell}</th>' for cell in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>\n'
        for first, *cells in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="{style}"><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )
