"""Makes the parts of docs/ that follow from the code: `python -m tests.make_docs` writes, a
test compares.
"""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

from foi import settings
from foi.archive import kinds

DOCS = Path(__file__).parent.parent / "docs"
_HEAD = """# Events

Everything that happens is an event with a number. Numbers only rise, in the order in which
changes were committed, so whoever remembers the last one misses nothing (`/events.json?since=`).
An event points at what it is about and never holds a copy of it. `created_at` is when it
happened, `recorded_at` when this site came to know of it.

Kinds are public names and do not change. This page is made from `foi/archive/kinds.py`.

"""


def members(enum: type) -> list[tuple[str, str]]:
    """Give the values of an enum with the texts that stand beneath them."""
    (made,) = ast.parse(inspect.getsource(enum)).body
    assert isinstance(made, ast.ClassDef)
    found = []
    for before, after in zip(made.body, made.body[1:], strict=False):
        if isinstance(before, ast.Assign) and isinstance(after, ast.Expr):
            assert isinstance(before.value, ast.Constant)
            assert isinstance(after.value, ast.Constant)
            found.append((str(before.value.value), " ".join(str(after.value.value).split())))
    return found


def events_page() -> str:
    """Give docs/events.md."""
    told = members(kinds.Kind)
    rows = [f"| `{name}` | {text} | {_audience(name)} |" for name, text in told]
    audiences = [f"- `{name}`: {text}" for name, text in members(kinds.Audience)]
    table = "\n".join(["| kind | what happened | audience |", "| --- | --- | --- |", *rows])
    return f"{_HEAD}{table}\n\nAudiences:\n\n" + "\n".join(audiences) + "\n"


def _audience(kind: str) -> str:
    return "desk" if kind in kinds.DESK_ONLY else "public"


def settings_table() -> str:
    """Give the table of settings in docs/operators.md."""
    rows = ["| setting | default | variable | |", "| --- | --- | --- | --- |"]
    for each in fields(settings.Settings):
        told = each.metadata
        names = ", ".join(f"`{v}`" for v in settings.variables(told["name"], told["also"]))
        default = f"`{told['default']}`" if told["default"] else ""
        rows.append(f"| `{told['name']}` | {default} | {names} | {told['doc']} |")
    return "\n".join(rows)


def operators_page(present: str) -> str:
    """Give docs/operators.md with its table of settings as it should be."""
    table = settings_table()
    if "@@SETTINGS@@" in present:
        return present.replace("@@SETTINGS@@", table)
    return re.sub(
        r"\| setting \| default .*?\n(?!\|)", lambda _: table + "\n", present, flags=re.S
    )


if __name__ == "__main__":
    (DOCS / "events.md").write_text(events_page(), encoding="utf-8")
    page = DOCS / "operators.md"
    page.write_text(operators_page(page.read_text(encoding="utf-8")), encoding="utf-8")
