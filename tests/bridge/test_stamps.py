"""A push passes over what has not changed, and never over what has."""

import os
import random
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.items import Source
from bridge.manifest import manifests
from bridge.models import Receipt
from bridge.push import Summary, push, subjects_of_all, untouched
from bridge.selection import Asked, Everything, OfAuthority, Selection, Tagged
from bridge.stamps import stamps
from foi.archive import casework
from foi.archive.casework import File
from foi.archive.casework.standing import change_standing
from foi.archive.models import Annotation, Attachment, Body, InfoRequest, Message, Person
from foi.site import Site
from tests.aleph import Aleph, CollectionView
from tests.bridge.comparing import compare
from tests.bridge.conftest import Open, joined, linked, push_all
from tests.bridge.records import COLLECTION, EVERYTHING, Made, hide, make, writes

DAY = datetime(2024, 3, 4, 10, 30, tzinfo=UTC)
SELECTIONS: list[Selection] = [
    Everything(),
    OfAuthority(1),
    Tagged("fish"),
    Asked("status:waiting_response_overdue"),
    Asked("request_public_body_tag:central"),
]
ACTS = (
    *("open", "answer", "attach", "link", "state", "standing", "title", "tags", "move", "comment"),
    *("name body", "tag body", "body elsewhere", "rename body", "key", "note body"),
    *("name person", "about", "hide", "hide part", "release", "erase", "overdue", "desk act"),
)


def one(db: Session, model: Any, pick: int) -> Any:
    """Give one of a table's rows, or nothing."""
    every = db.scalars(select(model).order_by(model.id)).all()
    return every[pick % len(every)] if every else None


def do(db: Session, what: str, pick: int) -> None:
    """Do one thing to an archive."""
    word = ("fish", "central", "roads:7")[pick % 3]
    body, person, request = (one(db, model, pick) for model in (Body, Person, InfoRequest))
    thing = one(db, (Message, Attachment, Annotation)[pick % 3], pick)
    verbs: dict[str, Callable[[], object]] = {
        "open": lambda: casework.open_request(
            db, "desk", body=body, person=person, title=word, text=word, tag_texts=[word], at=DAY
        ),
        "answer": lambda: answer(db, request, word),
        "attach": lambda: answer(db, request, word, File("a", "text/plain", 3, f"{pick:064x}")),
        "link": lambda: answer(db, request, word, File("a", "text/plain", link="https://a.b/")),
        "state": lambda: casework.classify(
            db, request, "desk", ("successful", "waiting_response")[pick % 2]
        ),
        "standing": lambda: change_standing(db, request, None, bool(pick % 2)),
        "title": lambda: casework.edit_request(db, request, "desk", title=word),
        "tags": lambda: casework.edit_request(db, request, "desk", tag_texts=[word]),
        "move": lambda: casework.move(db, request, body, "desk"),
        "comment": lambda: casework.annotate(db, request, person, word),
        "desk act": lambda: act(db, request, ("foi", "eir")[pick % 2]),
        "name body": lambda: casework.edit_body(db, body, "desk", name=f"Office of {word}"),
        "tag body": lambda: casework.edit_body(db, body, "desk", tag_texts=[word]),
        "body elsewhere": lambda: casework.edit_body(
            db, body, "desk", jurisdiction=("", "IE")[pick % 2]
        ),
        "rename body": lambda: casework.edit_body(
            db, body, "desk", url_name=f"office-{pick}-{body.version}"
        ),
        "note body": lambda: casework.edit_body(
            db, body, "desk", notes=word, home_page=f"https://{pick}.example/"
        ),
        "key": lambda: casework.rotate_key(db, body, "desk"),
        "name person": lambda: casework.edit_person(db, person, "desk", name=f"Jo {word}"),
        "about": lambda: casework.edit_person(db, person, "desk", about=word),
        "hide": lambda: casework.hide(
            db,
            request,
            "desk",
            prominence=("hidden", "backpage", "requester_only")[pick % 3],
        ),
        "hide part": lambda: casework.hide(db, thing or request, "desk"),
        "release": lambda: release_all(db),
        "erase": lambda: casework.erase(db, thing or one(db, Message, pick), "desk"),
        "overdue": lambda: casework.announce_overdue(db, DAY.date() + timedelta(days=10 * pick)),
    }
    verbs[what]()


def answer(db: Session, request: InfoRequest, text: str, *files: File) -> None:
    casework.correspond(db, request, "desk", direction="response", text=text, files=files, at=DAY)


def act(db: Session, request: InfoRequest, law: str) -> None:
    with casework.act(db, "desk", "tried", request=request):
        casework.edit_request(db, request, "desk", law_used=law)


def release_all(db: Session) -> None:
    models: tuple[Any, ...] = (InfoRequest, Message, Attachment)
    for model in models:
        for each in db.scalars(select(model).where(model.prominence != "normal")):
            casework.release(db, each, "desk")


def told(site: Site, days: int) -> tuple[dict[Any, Any], dict[Any, str]]:
    """Give the manifests of everything in every kind of collection, and their stamps."""
    made, stamped = {}, {}
    with site.sessions.reading() as db:
        subjects = [
            f"{kind}:{number}"
            for kind, model in (("body", Body), ("person", Person), ("request", InfoRequest))
            for number in db.scalars(select(model.id))
        ]
        for selection in SELECTIONS:
            today = DAY.date() + timedelta(days=days)
            source = Source(site, COLLECTION, today, selection)
            for subject, manifest in manifests(db, source, subjects).items():
                made[selection, subject] = manifest
            for subject, stamp in stamps(db, source, subjects).items():
                stamped[selection, subject] = stamp
    return made, stamped


@pytest.mark.parametrize("days_at_most", [0, pytest.param(40, marks=pytest.mark.thorough)])
def test_whatever_changes_a_manifest_changes_its_stamp(open_: Open, days_at_most: int) -> None:
    seed = int(os.environ.get("FOI_SEED", "0")) or random.randrange(1, 10**9)
    print(f"FOI_SEED={seed}")
    chance = random.Random(seed)
    site = open_()
    with site.sessions.writing() as db:
        for name in ("Ministry of Fish", "Road Office"):
            casework.add_body(db, "desk", name=name, tag_texts=["central"])
            casework.add_person(db, "desk", name=f"Friend of {name}")
    with site.sessions.writing() as db:
        do(db, "open", 0)
        do(db, "open", 1)
    days = 0
    seen: dict[Any, dict[str, Any]] = {}
    for what in chance.choices(list(ACTS), k=50):
        with site.sessions.writing() as db:
            do(db, what, chance.randrange(12))
        days += chance.randint(0, days_at_most)
        made, stamped = told(site, days)
        for key, manifest in made.items():
            assert (key in stamped) == bool(manifest.items), f"FOI_SEED={seed} {what} {key}"
        for key, stamp in stamped.items():
            # Not only since the last act: a stamp never comes back for something else.
            former = seen.setdefault(key, {}).setdefault(stamp, made[key])
            assert former == made[key], f"FOI_SEED={seed} {what} {key}"


def test_a_setting_that_changes_a_manifest_changes_its_stamp(open_: Open) -> None:
    plain = open_()
    make(plain)
    made, stamped = told(plain, 0)
    moved = []
    for each in fields(plain.settings):
        known = getattr(plain.settings, each.name)
        if not isinstance(known, str):
            continue
        other = {"site_locale": "fr", "jurisdiction": "IE"}.get(each.name, f"{known}x")
        changed: dict[str, Any] = {each.name: other}
        site = replace(plain, settings=replace(plain.settings, **changed))
        try:
            made_then, stamped_then = told(site, 0)
        except (ValueError, KeyError):
            continue  # not a value that a site would start with
        if made_then != made:
            moved.append(each.name)
            assert {k for k in made if made[k] != made_then[k]} <= {
                k for k in stamped if stamped[k] != stamped_then.get(k)
            }
    assert {"site_url", "site_name", "jurisdiction"} <= set(moved)


def passed_over(site: Site) -> set[str]:
    with linked(site) as (target,):
        return set(untouched(target, subjects_of_all(target)))


EVERY_SUBJECT = {"body:1", "person:1", "request:1"}


def test_what_is_complete_is_passed_over_and_counted(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    assert passed_over(site) == EVERY_SUBJECT
    aleph.reset_calls()
    summary = push_all(site)
    assert (summary.sent, summary.unchanged) == (0, len(EVERYTHING))
    assert writes(aleph) == []


def test_what_has_changed_is_looked_at(site: Site, view: CollectionView, made: Made) -> None:
    hide(site, Attachment, made.minutes)
    assert passed_over(site) == EVERY_SUBJECT - {"request:1"}
    push_all(site)
    assert passed_over(site) == EVERY_SUBJECT


@pytest.mark.parametrize("kind", ["request", "attachment", "link", "person"])
def test_a_lost_receipt_is_noticed(site: Site, view: CollectionView, kind: str) -> None:
    with site.sessions.writing() as db:
        first = select(Receipt.id).where(Receipt.kind == kind).limit(1)
        db.execute(delete(Receipt).where(Receipt.id == first.scalar_subquery()))
    lost = "person:1" if kind == "person" else "request:1"
    assert passed_over(site) == EVERY_SUBJECT - {lost}


@pytest.mark.parametrize(
    "values",
    [{"digest": ""}, {"remote_id": ""}, {"withdrawn_at": DAY}, {"parent_id": "1"}],
    ids=lambda values: next(iter(values)),
)
def test_whatever_touches_a_receipt_lets_its_subject_be_looked_at(
    site: Site, view: CollectionView, values: dict[str, Any]
) -> None:
    with linked(site) as (target,):
        target.receipts.change(["request-1-out-1"], **values)
    assert passed_over(site) == EVERY_SUBJECT - {"request:1"}


def test_a_withdrawal_that_is_not_over_is_looked_at(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    made = make(site)
    push_all(site)
    hide(site, InfoRequest, made.request)
    with linked(site) as (target,):
        jobs = [(target, subjects_of_all(target))]
        push(jobs, lambda *_: None, wait=0.0)
    assert "request:1" not in passed_over(site)


def test_a_verification_leaves_stamps_of_what_is_well(
    site: Site, view: CollectionView, made: Made
) -> None:
    with linked(site) as (target,):
        target.receipts.verified({("indexed", ""): ["request-1"]})
        assert passed_over(site) == EVERY_SUBJECT
        target.receipts.verified({("lost", "gone"): ["request-1-att-2-1"]})
    assert passed_over(site) == EVERY_SUBJECT - {"request:1"}


def test_a_failure_leaves_no_stamp(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    make(site)
    for sha256 in list(site.blobs.each()):
        site.blobs.path(sha256).unlink()
    summary = push_all(site)
    assert summary.failed
    assert passed_over(site) == EVERY_SUBJECT - {"request:1"}


def test_a_thorough_push_looks_at_everything(site: Site, view: CollectionView) -> None:
    with site.sessions.writing() as db:  # as nobody does: past every verb
        message = db.scalars(select(Message)).first()
        assert message is not None
        message.body = "Changed by hand."
    assert push_all(site).sent == 0
    with linked(site) as (target,):
        jobs = [(target, subjects_of_all(target))]
        done: Summary = push(jobs, lambda *_: None, wait=5.0, pause=0.05, thorough=True)
    assert done.sent == 1


def test_after_many_pushes_all_is_there(site: Site, aleph: Aleph, view: CollectionView) -> None:
    for number, what in enumerate((*ACTS, *ACTS)):
        if what in ("attach", "erase"):
            continue  # a file whose bytes nobody has fails, as it should
        with site.sessions.writing() as db:
            do(db, what, number)
        push_all(site)
    assert not compare(site, aleph, COLLECTION)
