"""Charts of an authority's figures as inline SVG, each beside or within a table of the same.

Widths are percentages and heights are pixels, as in `timeline`: nothing is scaled, so words stay
legible on a telephone and in print. Colours come from the stylesheet by class.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from foi.pages.statistics import Span, Times

_HEIGHT, _TOP = 120, 18


def bar(share: float, kind: str) -> Markup:
    """Draw a bar of a share of its place's width (0 to 1); `kind` is its class.

    The number itself stands beside it in words: to those who hear the page it is nothing.
    """
    width = round(min(max(share, 0.0), 1.0) * 100, 1)
    return Markup(  # noqa: S704  # numbers, and a kind that is escaped
        '<svg class="bar" width="100%" height="12" aria-hidden="true">'
        '<rect class="ground" width="100%" height="12" rx="3"/>'
        f'<rect class="{escape(kind)}" width="{width}%" height="12" rx="3"/></svg>'
    )


def stacked(parts: Sequence[tuple[int, str]]) -> Markup:
    """Draw numbers as the parts of one bar, each with its class; nothing when all are nought."""
    total = sum(number for number, _ in parts)
    left, drawn = 0.0, []
    for number, kind in parts:
        width = 100 * number / total if total else 0
        if width:
            drawn.append(
                f'<rect class="{escape(kind)}" x="{left:.2f}%" width="{width:.2f}%" height="20"/>'
            )
        left += width
    return Markup(  # noqa: S704  # numbers, and kinds that are escaped
        f'<svg class="bar" width="100%" height="20" aria-hidden="true">{"".join(drawn)}</svg>'
    )


def span_words(span: Span) -> str:
    """Give a span of days as its column is labelled."""
    return f"{span.low}–{span.high}" if span.high is not None else f"{span.low}+"


def columns(times: Times) -> Markup:
    """Draw how many answers took how long, a column for each span; those after the time allowed
    are marked off by a line and hatched by their class.
    """
    most = max((span.count for span in times.spans), default=0) or 1
    step = 100 / len(times.spans)
    drawn, limit = [], 0.0
    for number, span in enumerate(times.spans):
        left, middle = number * step, number * step + step / 2
        late = span.low > times.limit
        if not late:
            limit = left + step
        tall = round(_HEIGHT * span.count / most)
        top = _TOP + _HEIGHT - tall
        drawn.append(
            f'<rect class="{"overdue" if late else "awaiting"}" x="{left + step * 0.12:.2f}%" '
            f'y="{top}" width="{step * 0.76:.2f}%" height="{tall}"/>'
            f'<text x="{middle:.2f}%" y="{top - 5}" text-anchor="middle">{span.count}</text>'
            f'<text class="end" x="{middle:.2f}%" y="{_TOP + _HEIGHT + 17}" '
            f'text-anchor="middle">{span_words(span)}</text>'
        )
    base = _TOP + _HEIGHT
    drawn.append(f'<line class="base" x1="0" x2="100%" y1="{base}" y2="{base}"/>')
    drawn.append(f'<line class="due" x1="{limit:.2f}%" x2="{limit:.2f}%" y1="0" y2="{base}"/>')
    told = escape(
        f"How many answers took how many {times.unit}; the same figures follow as a table."
    )
    return Markup(  # noqa: S704  # numbers, and words that are escaped
        f'<svg class="columns-chart" width="100%" height="{base + 24}" role="img" '
        f'aria-label="{told}">{"".join(drawn)}</svg>'
    )
