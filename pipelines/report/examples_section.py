"""Single predictions, taken apart."""

import html

from pipelines.report.contents import Contents
from pipelines.report.explained_example import ExplainedExample

_MOST_PARTS = 8
_WIDEST = 5.0  # rem


def examples_section(contents: Contents) -> str:
    """Returns a card for each example: what it is, and what made its score."""
    if not contents.examples:
        return "<p>The model cannot be taken apart, so no example is explained.</p>"
    cards = "".join(_card(example) for example in contents.examples)
    return (
        "<p>The surest right answers and the worst mistakes. Parts add up to the logit: blue bars "
        f'raise it, orange bars lower it.</p><div class="cards">{cards}</div>'
    )


def _card(example: ExplainedExample) -> str:
    parts = sorted(example.parts.items(), key=lambda item: -abs(item[1]))
    shown, rest = parts[:_MOST_PARTS], parts[_MOST_PARTS:]
    if rest:
        shown.append((f"{len(rest)} smaller parts", sum(share for _, share in rest)))
    limit = max((abs(share) for _, share in shown), default=0.0) or 1.0
    rows = "".join(
        f'<tr><th scope="row">{_breakable(name)}</th><td><span class="bar">'
        f'<i class="{"minus" if share < 0 else ""}" '
        f'style="width: {_WIDEST * abs(share) / limit:.2f}rem"></i>{share:+.3f}</span></td></tr>'
        for name, share in shown
    )
    features = ", ".join(
        f"{html.escape(name)} = {html.escape(value)}" for name, value in example.features.items()
    )
    logit = sum(example.parts.values())
    return (
        f'<article class="card"><h3>{html.escape(example.story)}</h3>'
        f"<div>label {example.label:g}, prediction <b>{example.prediction:.4f}</b></div>"
        f'<div class="features">{features}</div>'
        f"<table><caption>Parts of the logit {logit:+.3f}</caption><tbody>{rows}</tbody></table>"
        "</article>"
    )


def _breakable(name: str) -> str:
    return html.escape(name).replace("_", "_<wbr>")
