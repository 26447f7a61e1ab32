"""`foi bridge doctor`: every question about the bridge at once, each answered by a sentence.

Exit status 0: nothing is in the way (there may be warnings); 1: something is.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click

from bridge.cli import bridge, chosen_remotes, which
from bridge.config import Remote, Unusable
from bridge.doctor import PROBLEM, Finding, examine, examine_site
from bridge.telling import Context, as_json, opened, show
from foi.site import Site

_SECRET = 8
"""Characters from which on a key is blotted out of texts; a shorter one is a word by chance."""
Checks = list[dict[str, Any]]


@bridge.command("doctor")
@which
@as_json
@click.pass_obj
def doctor_command(context: Context, target: str | None, as_json: bool) -> None:
    """Look for whatever keeps the bridge from working, and say what to do."""
    told: list[dict[str, Any]] = []
    try:
        with opened(context) as site:
            common = _members(examine_site(site))
            try:
                told = _targets(site, chosen_remotes(site, target))
            except Unusable as wrong:
                common += _members([Finding("settings", PROBLEM, str(wrong))])
    except click.UsageError as wrong:  # not even the site opens
        common = _members([Finding("settings", PROBLEM, wrong.format_message())])
    every = [*common, *(each for one in told for each in one["checks"])]
    good = all(each["state"] != PROBLEM for each in every)
    show(
        {"ok": good, "checks": common, "targets": told} if as_json else None,
        *_lines(common),
        *(line for one in told for line in (f"Aleph at {one['aleph']}", *_lines(one["checks"]))),
    )
    if not good:
        sys.exit(1)


def _targets(site: Site, chosen: Sequence[Remote]) -> list[dict[str, Any]]:
    keys = [remote.key for remote in chosen if len(remote.key) >= _SECRET]
    return [
        {
            "name": remote.name,
            "aleph": remote.host,
            "checks": _members(examine(site, remote), keys),
        }
        for remote in chosen
    ]


def _members(findings: Iterable[Finding], keys: Sequence[str] = ()) -> Checks:
    """Give the members of findings, without a key that a server may have repeated."""
    found = [asdict(each) for each in findings]
    for each in found:
        for key in keys:
            each["text"] = each["text"].replace(key, "[key]")
    return found


def _lines(checks: Checks) -> Iterable[str]:
    return [f"{each['state']:<8} {each['check']}: {each['text']}" for each in checks]
