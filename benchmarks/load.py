"""An archive of any size within minutes: made-up requests, written straight into the tables.

Everything public is there as the verbs of `casework` would have left it - rows, numbered events,
versions - in the order of ten years, so that the letters of one request lie as far apart in the
file as they do on a real site. What it gives up: nothing is owed, so nothing is indexed, and the
words mean nothing. The same size gives the same archive each time.

    python -m benchmarks.load 10000 [FOLDER]
"""

import hashlib
import io
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from foi import migrations, paths, settings
from foi.archive import deadlines, ledger, models
from foi.archive.casework.bodies import sort_name
from foi.archive.columns import Base
from foi.archive.kinds import Audience, Kind
from foi.archive.slugs import slug
from foi.site import Site, open_site

CACHE = Path(__file__).resolve().parent.parent / "var" / "bench"
END = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAYS = 3652
BATCH = 10_000
Model = type[Base]


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


_WORDS = _split("""
    about account across after agreed allotment amount annual area asked available bench between
    bicycle bins blue bridge budget building bus by café canal care centre charge clear clinic
    closed coast committee contract copy cost council cycle daily day decision detail drain due
    during each east emission entrance estate every ferry field figure file fire flood footpath
    for form from garden gate given grass gritting hall harbour hedge held high hospital hour house
    in inspection junction kept kind kitchen lamp land lane last late leaf library licence light
    made map market meeting meal mile month near new night noise north number of office old once
    open order other over owner paper park part path pavement per permit place playground pool post
    price quarter quiet rail rate record recycled region repair report river road roof rules school
    sea second sent sewer shelter since site small south speed staff station still stone storm
    street subsidy summer survey tender that the theatre their through tide to tower town tram tree
    until used valley village visit waste water weekly weir well west when width with wood year
""")
THINGS = _split("""
    lamp_posts potholes playgrounds parking_permits school_meals bus_shelters flood_defences
    allotments library_opening_hours road_gritting tree_surveys public_toilets street_markets
    cycle_lanes bin_collections water_samples planning_appeals speed_cameras noise_complaints
    ferry_subsidies empty_houses hedge_cutting bridge_repairs canal_walks clinic_waiting_times
""")
_ASPECTS = _split("""
    cost_of number_of maps_of inspections_of contracts_for complaints_about records_of
    spending_on plans_for delays_to staff_for accidents_near
""")
_STARTS = _split("""
    Alder Amber Ash Barn Beck Birch Bram Brook Carr Clay Cold Corn Dun East Elm Fal Fern Fox Glen
    Gorse Hart Hazel Holm Ives Kel Lark Lime Long Marsh Mill North Oak Over Pen Quern Red Rush
    Sand South Stan Thorn Under Wald West White Wind Withy Yar
""")
_ENDS = _split("""
    beck borough bourne bridge bury by combe cote den don field ford gate ham hurst ley mere mouth
    over port sea stead stoke ton wick
""")
_KINDS = ("Town", "District", "Borough", "County", "Harbour", "Parks", "Schools", "Transport")
_FORENAMES = _split("""
    Ada Agnes Alan Amir Anna Asha Beth Brian Carla Cem Dora Edith Emil Esme Farah Finn Gita Greta
    Hugo Ines Ivan Jana Joan Karl Kofi Lena Leo Mara Milo Nadia Nils Olga Omar Petra Priya Ravi
    Rosa Sami Tess Uma Vera Wanda Yusuf Zoe
""")

# What follows on the first letter: a word is a message or a comment, `=state` a description.
_HISTORIES: dict[str, int] = {
    "response =successful followup comment": 30,
    "response =rejected internal_review": 15,
    "response =waiting_clarification clarification": 15,
    "followup response =not_held": 15,
    "response response =partially_successful": 10,
    "followup followup": 10,
    "response followup comment": 5,
}


class Step(NamedTuple):
    """One thing that happens to a request; sorts by time."""

    at: datetime
    order: int
    request: int
    kind: Kind
    purpose: str = ""
    """Of the message that it brings."""
    state: str = ""


class Writer:
    """Rows on their way into the tables, many at a time, and the versions that events raise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._versions: dict[str, tuple[int, datetime]] = {}
        self._last: Counter[str] = Counter()

    def add(self, model: Model, **row: Any) -> int:
        """Take a row and give its id."""
        self._last[model.__tablename__] += 1
        number = row["id"] = self._last[model.__tablename__]
        self._rows.setdefault(model.__tablename__, []).append(row)
        return number

    def happen(self, kind: Kind, at: datetime, actor: str, **more: Any) -> None:
        """Take an event, numbered in the order of the calls, and raise its scopes."""
        pointers = {name: more.get(name) for name in _POINTERS}
        params = more.get("params", {})
        seen = {"kind": kind, "audience": Audience.PUBLIC, "params": params, **pointers}
        number = self.add(models.Event, happened_at=at, recorded_at=at, actor=actor, **seen)
        asker = SimpleNamespace(person_id=more["requester"]) if "requester" in more else None
        for scope in ledger.scopes(SimpleNamespace(request=asker, **seen)):  # type: ignore[arg-type]
            self._versions[scope] = (number, at)

    def add_all(self, model: Model, rows: list[dict[str, Any]]) -> None:
        """Take rows that have their ids."""
        self._rows.setdefault(model.__tablename__, []).extend(rows)

    def flush(self) -> None:
        """Write what was taken; what others refer to comes first."""
        for table in Base.metadata.sorted_tables:
            if rows := self._rows.pop(table.name, []):
                self._connection.execute(insert(table), rows)

    def finish(self) -> None:
        """Write the rest and the versions."""
        self.flush()
        rows = [
            {"scope": scope, "position": position, "changed_at": at}
            for scope, (position, at) in sorted(self._versions.items())
        ]
        self._connection.execute(insert(models.Version), rows)


_POINTERS = ("request_id", "body_id", "person_id", "message_id", "attachment_id", "annotation_id")


class Maker:
    """Makes up an archive of `size` requests: a tenth as many people, a twentieth as many
    authorities.
    """

    def __init__(self, site: Site, writer: Writer, size: int) -> None:
        self.site, self.writer, self.size = site, writer, size
        self.rng = random.Random(size)
        self.slugs: dict[tuple[Model, str], int] = {}
        self.requests: list[dict[str, Any]] = []
        self.people = max(size // 10, 10)
        self.bodies = max(size // 20, 10)
        self.sentences = [self._sentence() for _ in range(5000)]
        self.blobs = [self._blob(number) for number in range(8)]

    def _sentence(self) -> str:
        words = self.rng.choices(_WORDS, k=self.rng.randint(7, 21))
        return " ".join(words).capitalize() + self.rng.choice((".", ".", ".", "?"))

    def _blob(self, number: int) -> tuple[str, str, int]:
        rows = "".join(f"{self.rng.choice(THINGS)},{n * 7 % 93}\n" for n in range(40 + number))
        blob = self.site.blobs.put(io.BytesIO(f"thing,number\n{rows}".encode()))
        return f"figures_{number + 1}.csv", blob.sha256, blob.size

    def _slug(self, model: Model, text: str, default: str, limit: int | None = None) -> str:
        wanted = slug(text, default, limit)
        number = self.slugs[model, wanted] = self.slugs.get((model, wanted), 0) + 1
        return wanted if number == 1 else f"{wanted}_{number}"

    def _tag(self, kind: str, subject: int, name: str, value: str) -> None:
        self.writer.add(models.Tag, subject_kind=kind, subject_id=subject, name=name, value=value)

    def _letter(self, to: str) -> str:
        wanted, parts = self.rng.randint(65, 260), []
        while wanted > 0:
            parts.append(self.rng.choice(self.sentences))
            wanted -= parts[-1].count(" ") + 1
        text = "\n\n".join(" ".join(parts[n : n + 4]) for n in range(0, len(parts), 4))
        if self.rng.random() < 0.05:
            text += "\n\nWrite to desk@council.example or ring 07700 900123."
        return f"Dear {to},\n\n{text}\n\nYours faithfully"

    def parties(self) -> None:
        """Make the authorities, the people and their tags; they were there before the first
        request.
        """
        at = END - timedelta(days=DAYS + 30)
        born = {"created_at": at, "updated_at": at}
        places = [start + end for start in _STARTS for end in _ENDS]
        for number in range(self.bodies):
            kind = self.rng.choice(_KINDS)
            name = f"{self.rng.choice(places)} {kind} Council"
            row = {"url_name": self._slug(models.Body, name, "body"), "sort_name": sort_name(name)}
            page = f"https://council-{number}.example/"
            body = self.writer.add(models.Body, name=name, home_page=page, **row, **born)
            for tag, value in ((kind.lower(), ""), ("region", self.rng.choice(_STARTS).lower())):
                self._tag("body", body, tag, value)
            self.writer.happen(Kind.BODY_ADDED, at, "import", body_id=body)
        for _ in range(self.people):
            name = f"{self.rng.choice(_FORENAMES)} {self.rng.choice(places)}"
            slugged = self._slug(models.Person, name, "user")
            person = self.writer.add(models.Person, name=name, url_name=slugged, **born)
            self.writer.happen(Kind.PERSON_ADDED, at, f"person:{person}", person_id=person)

    def open(self) -> Iterator[Step]:
        """Make the requests as they stand at the end, and give the steps that led there."""
        weights = [1 / (rank + 40) for rank in range(1, self.bodies)]
        weights.insert(0, sum(weights) / 99)  # one authority has a hundredth of all requests
        bodies = self.rng.choices(range(1, self.bodies + 1), weights, k=self.size)
        seconds = sorted(self.rng.randrange(DAYS * 86_400) for _ in range(self.size))
        for body, second in zip(bodies, seconds, strict=True):
            at = END - timedelta(seconds=DAYS * 86_400 - second)
            yield from self._history(self._request(body, at))

    def _request(self, body: int, at: datetime) -> dict[str, Any]:
        rng = self.rng
        thing = rng.choice(THINGS)
        title = f"{rng.choice(_STARTS)}{rng.choice(_ENDS)}: {rng.choice(_ASPECTS)} {thing}"
        person = rng.randint(1, self.people) if rng.random() < 0.5 else None
        row: dict[str, Any] = {
            "url_title": self._slug(models.InfoRequest, title, "request", 32),
            "title": title,
            "body_id": body,
            "person_id": person,
            "external_user_name": None if person else rng.choice(_FORENAMES),
            "external_url": None,
            "via_api": person is None,
            "described_state": "waiting_response",
            "awaiting_description": False,
            "created_at": at,
            "updated_at": at,
            **self._deadlines(at),
        }
        row["id"] = len(self.requests) + 1
        self.requests.append(row)
        if rng.random() < 0.4:
            self._tag("request", row["id"], thing.split()[0], rng.choice(("", str(at.year))))
        return row

    def _deadlines(self, at: datetime) -> dict[str, date]:
        day = self.site.calendar.day(at)
        due_on, very_overdue_on = _due(self.site.settings.jurisdiction, day)
        return {"day_zero": day, "due_on": due_on, "very_overdue_on": very_overdue_on}

    def _history(self, row: dict[str, Any]) -> Iterator[Step]:
        """Give the steps of a request up to the end of time, and leave its row as the last one
        does.
        """
        at = row["created_at"]
        steps = [Step(at, 0, row["id"], Kind.SENT, "initial")]
        (history,) = self.rng.choices(list(_HISTORIES), list(_HISTORIES.values()))
        for word in history.split():
            late = 24 if word == "response" else 12
            at += timedelta(seconds=self.rng.randint(86_400, late * 86_400))
            if at > END:
                break
            steps += self._step(row, at, word)
            row["updated_at"] = at
        if row["described_state"] == "waiting_response" and not row["awaiting_description"]:
            days = {Kind.OVERDUE: "due_on", Kind.VERY_OVERDUE: "very_overdue_on"}
            for kind, column in days.items():
                passed = self.site.calendar.midnight(row[column] + timedelta(days=1))
                if passed < END:
                    steps.append(Step(passed, 0, row["id"], kind))
        # Unique, so that sorting never looks beyond the second member.
        return (step._replace(order=row["id"] * 16 + n) for n, step in enumerate(steps))

    def _step(self, row: dict[str, Any], at: datetime, word: str) -> list[Step]:
        number = row["id"]
        if word.startswith("="):
            row |= {"described_state": word[1:], "awaiting_description": False}
            return [Step(at, 0, number, Kind.STATUS_UPDATE, "", word[1:])]
        if word == "comment":
            return [Step(at, 0, number, Kind.COMMENT)]
        if word == "response":
            row["awaiting_description"] = True
            return [Step(at, 0, number, Kind.RESPONSE, word)]
        steps = [Step(at, 0, number, Kind.FOLLOWUP_SENT, word)]
        state = {"clarification": "waiting_response", "internal_review": word}.get(word)
        if state:
            if word == "clarification":
                row |= self._deadlines(at)
            row |= {"described_state": state, "awaiting_description": False}
            steps.append(Step(at, 0, number, Kind.STATUS_UPDATE, "", state))
        return steps

    def play(self, steps: Iterable[Step]) -> None:
        """Let the steps happen in their order."""
        for number, step in enumerate(steps, start=1):
            row = self.requests[step.request - 1]
            body, person = row["body_id"], row["person_id"]
            asker = f"person:{person}" if person else f"body:{body}"
            more: dict[str, Any] = {}
            if step.purpose:
                more["message_id"] = self._message(step)
            if step.kind in (Kind.SENT, Kind.FOLLOWUP_SENT):
                more["person_id"] = person
            elif step.kind == Kind.COMMENT:
                commenter = more["person_id"] = self.rng.randint(1, self.people)
                more["annotation_id"] = self.writer.add(
                    models.Annotation,
                    request_id=step.request,
                    person_id=commenter,
                    body=" ".join(self.rng.choices(self.sentences, k=3)),
                    created_at=step.at,
                )
            elif step.kind == Kind.STATUS_UPDATE:
                more["params"] = {"state": step.state}
            actor = f"body:{body}" if step.kind == Kind.RESPONSE else asker
            self.writer.happen(
                step.kind, step.at, actor, request_id=step.request, body_id=body,
                requester=person, **more,
            )  # fmt: skip
            if number % BATCH == 0:
                self.writer.flush()

    def _message(self, step: Step) -> int:
        response = step.purpose == "response"
        message = self.writer.add(
            models.Message,
            request_id=step.request,
            direction="response" if response else "request",
            purpose=step.purpose,
            body=self._letter("Requester" if response else "Authority"),
            sent_at=step.at,
            created_at=step.at,
        )
        if response and self.rng.random() < 0.4:
            name, sha256, size = self.rng.choice(self.blobs)
            file = {"name": name, "media_type": "text/csv", "size": size, "sha256": sha256}
            self.writer.add(models.Attachment, message_id=message, number=1, **file)
        return message


@cache
def _due(jurisdiction: str, day: date) -> tuple[date, date]:
    found = deadlines.due(jurisdiction, day)
    return found.due_on, found.very_overdue_on


def fill(folder: Path, size: int) -> None:
    """Make an archive of `size` requests in a new data folder."""
    given = settings.load({"data": str(folder)}, {})
    site = open_site(given)
    migrations.upgrade(site.engine, given)
    with site.engine.execution_options(foi_writing=True).begin() as connection:
        writer = Writer(connection)
        maker = Maker(site, writer, size)
        maker.parties()
        steps = sorted(maker.open())
        writer.add_all(models.InfoRequest, maker.requests)
        maker.play(steps)
        writer.finish()
    with site.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    site.close()


def prepare(size: int, cache_folder: Path = CACHE) -> Path:
    """Give the data folder of an archive of `size` requests: kept from an earlier run if the
    schema and this module are what they were, else made now. Whoever writes takes a copy.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for script in sorted((paths.folder("alembic") / "versions").glob("*.py")):
        digest.update(script.read_bytes())
    ready = cache_folder / f"{size}-{migrations.head()}-{digest.hexdigest()[:10]}"
    if not ready.is_dir():
        for outdated in cache_folder.glob(f"{size}-*"):
            shutil.rmtree(outdated)
        making = cache_folder / f".making-{os.getpid()}"
        started = time.monotonic()
        try:
            fill(making, size)
            making.rename(ready)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        took = time.monotonic() - started
        print(f"Made {size:,} requests in {took:.0f} s.", file=sys.stderr)
    return ready


if __name__ == "__main__":
    print(prepare(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else CACHE))
