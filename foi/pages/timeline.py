"""The course of a request as a picture along the days: letters, answers, limits, and today.

The picture is an SVG without a view box: places along it are percentages and everything else is
in pixels, so that its words keep their size on the smallest screen. What that gives up: two
letters of one week may lie upon each other; the same steps stand in words beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from foi.archive.calendar import Calendar
from foi.archive.kinds import Kind
from foi.archive.reading import ReadMessage
from foi.archive.states import LABELS, Phase
from foi.pages import links, members

WAITING = (Phase.AWAITING, Phase.OVERDUE)
"""Phases of a request in which the next step is the authority's, so that today matters."""

_MEANINGS = {
    "asked": "asked",
    "followup": "wrote again",
    "clarification": "explained the request",
    "internal_review": "asked for an internal review",
    "response": "the authority wrote",
    "state": "somebody described the state",
}
"""What the marks of the picture stand for, in the order of its key."""
_INSET, _WIDTH = 3.0, 94.0
_LANE = 18


@dataclass(frozen=True, slots=True)
class Step:
    """One thing on the way of a request."""

    day: date
    kind: str
    """A key of `_MEANINGS`, or `due`, `very_overdue`, `today`."""
    words: str
    anchor: str = ""
    """Where on the page it can be read."""


@dataclass(frozen=True, slots=True)
class Course:
    """The steps of a request in order, and their picture."""

    steps: tuple[Step, ...]
    svg: Markup
    key: tuple[tuple[Markup, str], ...]
    """The marks that occur, and what they mean."""


def course(
    found: members.Listed, messages: Sequence[ReadMessage], log: Sequence[Any], calendar: Calendar
) -> Course | None:
    """Give the course of a request; messages without a date have no place in it. None when nothing
    has a date.
    """
    passed = [_letter(m, calendar.day(m.sent_at)) for m in messages if m.sent_at is not None]
    passed += [
        Step(
            calendar.day(event.happened_at),
            "state",
            f"described as: {LABELS.get(event.params.get('state'), 'not known')}",
        )
        for event in log
        if event.kind == Kind.STATUS_UPDATE
    ]
    if found.made and not any(step.kind == "asked" for step in passed):
        passed.insert(0, Step(calendar.day(found.made), "asked", _MEANINGS["asked"]))
    if not passed:
        return None
    today = calendar.today()
    awaited = _awaited(found, passed, today)
    now = [Step(today, "today", "today")] if found.state.phase in WAITING else []
    steps = sorted([*passed, *_limits(found, awaited), *now], key=lambda step: step.day)
    kinds = {step.kind for step in steps}
    return Course(
        tuple(steps),
        _picture(steps, awaited),
        tuple((_symbol(kind), words) for kind, words in _MEANINGS.items() if kind in kinds),
    )


def _letter(message: ReadMessage, day: date) -> Step:
    kind = "asked" if message.purpose == "initial" else message.purpose
    if message.direction == "response":
        kind = "response"
    words = _MEANINGS.get(kind, _MEANINGS["followup"])
    if message.withheld is not None:
        words += " (not shown)"
    return Step(
        day,
        kind if kind in _MEANINGS else "followup",
        words,
        links.message_anchor(message.direction, message.id),
    )


def _awaited(found: members.Listed, passed: Sequence[Step], today: date) -> date | None:
    """Give the day up to which the authority's answer was awaited: today, or that of its last
    letter before a review was asked for; None when it never wrote and nobody waits any more.
    """
    if found.state.phase in WAITING:
        return today
    reviews = [step.day for step in passed if step.kind == "internal_review"]
    answers = [
        step.day
        for step in passed
        if step.kind == "response" and not (reviews and step.day > min(reviews))
    ]
    return max(answers, default=None)


def _limits(found: members.Listed, awaited: date | None) -> list[Step]:
    """Give the days by which an answer was due; the second as far as it mattered."""
    row = found.row
    limits = []
    if row.due_on:
        limits.append(Step(row.due_on, "due", "an answer was due by this day"))
    late = awaited is not None and row.due_on is not None and awaited > row.due_on
    if row.very_overdue_on and (late or found.state.phase in WAITING):
        limits.append(Step(row.very_overdue_on, "very_overdue", "after this day, long overdue"))
    return limits


@lru_cache(maxsize=4096)
def short_day(day: date) -> str:
    """Give a day in few letters, `21 Nov 2026`."""
    return f"{day.day} {day:%b} {day.year}"


def _picture(steps: Sequence[Step], awaited: date | None) -> Markup:
    """Draw steps, given in the order of their days; the time up to `awaited` is coloured."""
    first, last = steps[0].day, steps[-1].day
    days = max((last - first).days, 1)

    def at(day: date) -> float:
        return round(_INSET + _WIDTH * (day - first).days / days, 2)

    limits = [step for step in steps if step.kind in ("due", "very_overdue")]
    top = _LANE * len(limits) + 4  # the labels of the limits, one above the other
    middle, bottom = top + 28, top + 56
    lines = [_zones([at(limit.day) for limit in limits], at(awaited or first), middle)]
    labels = []
    for lane, limit in enumerate(limits):
        words = "due " if limit.kind == "due" else "long overdue after "
        x = at(limit.day)
        lines.append(_line(limit.kind, x, _LANE * lane + _LANE, bottom + 8))
        labels.append(_label(limit.kind, x, _LANE * lane + 14, words + short_day(limit.day)))
    height = bottom + 8 + _LANE
    labels.append(_label("end", _INSET, height - 4, short_day(first), "start"))
    if last > first:
        labels.append(_label("end", _INSET + _WIDTH, height - 4, short_day(last), "end"))
    for step in steps:
        if step.kind == "today":
            x = at(step.day)
            lines.append(_line("today", x, top + 4, height))
            height += _LANE
            labels.append(_label("today", x, height - 5, "today"))
    marks = [_mark(step, at(step.day), top) for step in steps if step.kind in _MEANINGS]
    drawn = "".join(lines + labels + marks)
    return Markup(  # noqa: S704  # every word in it is escaped where it is put in
        f'<svg class="course" width="100%" height="{height}" role="img" '
        f'aria-label="{escape(_summary(steps))}">{drawn}</svg>'
    )


def _zones(limits: Sequence[float], awaited: float, y: int) -> str:
    """Draw the line of days: coloured while an answer was awaited, anew from each limit on."""
    end = _INSET + _WIDTH
    edges = [_INSET, *(min(limit, awaited) for limit in limits), awaited]
    names = ("in-time", "late", "very-late")
    zones = [("line", _INSET, end), *zip(names, edges, edges[1:], strict=False)]
    return "".join(
        f'<rect class="{name}" x="{left}%" y="{y - 4}" width="{round(right - left, 2)}%" '
        'height="8"/>'
        for name, left, right in zones
        if right > left
    )


def _line(kind: str, x: float, top: int, bottom: int) -> str:
    return f'<line class="{kind}" x1="{x}%" x2="{x}%" y1="{top}" y2="{bottom}"/>'


def _label(kind: str, x: float, y: int, words: str, anchor: str = "") -> str:
    """Put words at a place, leaning to the side that has room on the smallest screen."""
    anchor = anchor or ("start" if x < 34 else "end" if x > 66 else "middle")
    return f'<text class="{kind}" x="{x}%" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _mark(step: Step, x: float, top: int) -> str:
    """Draw a step: above the line what went to the authority, below it what came back."""
    y = top + (8 if step.kind in _OUTGOING else 48 if step.kind == "response" else 28)
    told = escape(f"{short_day(step.day)}: {step.words}")
    return f'<svg class="mark" x="{x}%" y="{y}"><title>{told}</title>{_SHAPES[step.kind]}</svg>'


_OUTGOING = ("asked", "followup", "clarification", "internal_review")
_STEM_UP, _STEM_DOWN = '<path d="M0-6v-12"/>', '<path d="M0 6v12"/>'
_SHAPES = {
    "asked": f'{_STEM_DOWN}<circle class="asked" r="7"/>',
    "followup": f'{_STEM_DOWN}<circle class="again" r="6"/>',
    "clarification": f'{_STEM_DOWN}<circle class="again" r="7"/>'
    '<text class="sign" y="4" text-anchor="middle">?</text>',
    "internal_review": f'{_STEM_DOWN}<circle class="again" r="7"/>'
    '<text class="sign" y="4" text-anchor="middle">!</text>',
    "response": f'{_STEM_UP}<rect class="response" x="-7" y="-7" width="14" height="14" rx="2"/>',
    "state": '<path class="state-mark" d="M0-7 7 0 0 7-7 0z"/>',
}


def _symbol(kind: str) -> Markup:
    """Draw one mark alone, for the key."""
    shape = _SHAPES[kind].removeprefix(_STEM_UP).removeprefix(_STEM_DOWN)
    return Markup(  # noqa: S704  # of this module's own shapes
        '<svg class="course" viewBox="-9 -9 18 18" width="18" height="18" aria-hidden="true">'
        f"{shape}</svg>"
    )


def _summary(steps: Sequence[Step]) -> str:
    """Say in one sentence what the picture shows."""
    first, last = short_day(steps[0].day), short_day(steps[-1].day)
    sent = sum(step.kind in _OUTGOING for step in steps)
    came = sum(step.kind == "response" for step in steps)
    due = "".join(f", due by {short_day(step.day)}" for step in steps if step.kind == "due")
    letters = "letter" if sent == 1 else "letters"
    answers = "letter" if came == 1 else "letters"
    return (
        f"Timeline from {first} to {last}: {sent} {letters} to the authority{due}, "
        f"{came} {answers} from it."
    )
