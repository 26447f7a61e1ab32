"""The documentation keeps up with the code."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from foi import settings
from foi.archive.kinds import Kind
from foi.cli import Context, main
from tests import make_docs
from tests.conftest import Running

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def every_page() -> str:
    """All of the documentation as one text."""
    return "\n".join(
        p.read_text(encoding="utf-8") for p in [ROOT / "README.md", *DOCS.rglob("*.md")]
    )


def test_events_page_is_made_from_the_kinds() -> None:
    assert (DOCS / "events.md").read_text(encoding="utf-8") == make_docs.events_page()
    assert len(make_docs.members(Kind)) == len(Kind), "each kind has a docstring"


def test_table_of_settings_is_made_from_the_settings() -> None:
    page = (DOCS / "operators.md").read_text(encoding="utf-8")
    assert make_docs.settings_table() in page
    for each in fields(settings.Settings):
        assert f"`{each.metadata['name']}`" in page


def _commands(command: click.Command, context: click.Context, name: str) -> list[str]:
    if isinstance(command, click.Group):
        found = []
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            found += _commands(inner, context, f"{name} {each}")
        return found
    return [name]


def test_every_command_is_in_the_docs_and_explains_itself() -> None:
    text = every_page()
    context = click.Context(main, obj=Context(None))
    names = _commands(main, context, "foi")
    assert {"foi serve", "foi key show", "foi bridge push"} <= set(names)
    for name in names:
        assert name in text, f"{name} is not in the docs"


def _shape(pattern: str) -> str:
    """An address as the docs write it: placeholders in angle brackets, whatever their rule."""
    return re.sub(r"\{([a-z_]+)(?::[^{}]*(?:\{[^}]*\}[^{}]*)*)?\}", r"<\1>", pattern)


def test_every_address_is_in_the_docs(shared: Running) -> None:
    text = every_page()
    described = {
        "/list/<view>": "/list/successful",
        "/feed/list/<view>": "/feed/list/recent",
        "/search/<words>": "/search/<words>",
        "/api/v2/request/<id>/update": "/api/v2/request/<id>/update.json",
        "/static/*subpath": "",
    }
    missing = []
    for route in shared.config.get_routes_mapper().get_routes(include_static=True):
        shape = _shape(route.pattern)
        if not shape.startswith("/"):
            shape = f"/{shape}"
        shape = shape.removesuffix("feed") if shape.endswith(".jsonfeed") else shape
        shape = shape if shape in text else shape.removesuffix(".csv")
        if shape.endswith(".json") or (shape.startswith("/feed/") and shape[5:] in text):
            shape = shape.removesuffix(".json").removeprefix("/feed") or "/feed"
        if described.get(shape, shape) not in text:
            missing.append(shape)
    assert missing == []


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(
    "name", ["public", "requesters", "authorities", "reporters", "investigators", "operators"]
)
def test_each_kind_of_user_has_a_page(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8").startswith("# ")
