"""The calls with which people work in an Aleph: permissions, alerts, cross-reference, mappings.

What pushing needs stands in `bridge.aleph`; here is what a person asks for by hand. What it gives
up: judging matches, entity sets, diagrams.
"""

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import requests

from bridge.wire import LOST, AlephDown, AlephError, Json, Wire

WINDOW = 9999
"""Hits that Aleph lists; what follows is only in an export."""
EVERYONE, USERS = "1", "2"
"""The roles of all visitors and of all who are logged in; the same in every Aleph."""
_PAGE = 200
_BLOCK = 65_536
Params = list[tuple[str, str]]


@dataclass(frozen=True)
class Holder:
    """Whose key it is; what Aleph does not tell is empty or None."""

    id: str = ""
    name: str = ""
    admin: bool | None = None
    expires: datetime | None = None


class Workspace:
    """One Aleph as a person who works in it sees it, over the same wire as the bridge."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def listed(self, where: str, params: Iterable[tuple[str, str]] = ()) -> Iterator[Json]:
        """Give the rows of a list, page by page, up to the 9,999 that Aleph lists."""
        asked, offset = list(params), 0
        while offset < WINDOW:
            limit = min(_PAGE, WINDOW - offset)
            page = [("limit", str(limit)), ("offset", str(offset))]
            found = self.wire.call("GET", where, params=[*asked, *page]).get("results") or []
            yield from found
            offset += len(found)
            if len(found) < limit:
                return

    def total(self, where: str, params: Params) -> int:
        """Give how many rows a list has; Aleph counts up to 10,000."""
        asked = [*params, ("limit", "0")]
        return int(self.wire.call("GET", where, params=asked, repeat=False).get("total") or 0)

    # Whose key it is

    def holder(self) -> Holder:
        """Give whose key it is, as far as that can be found out: no address of Aleph says so.

        Whoever is no admin is refused the stream of everything, with the numbers of their roles;
        an admin is named in the links of a collection.
        """
        roles = self._refused_roles()
        admin = None if roles else True
        for role in roles or self._linked_roles():
            try:
                found = self.wire.call("GET", f"roles/{role}")
            except AlephError as error:
                if error.status in (403, 404):
                    continue
                raise
            if found.get("type", "user") == "user":
                told = found.get("is_admin", admin)
                expires = moment(found.get("api_key_expires_at"))
                return Holder(role, str(found.get("name") or ""), told, expires)
        return Holder(admin=admin)

    def _refused_roles(self) -> list[str]:
        with self.wire.send("GET", "entities/_stream", params={"include": "id"}) as response:
            if response.status_code != 403:
                return []
            try:
                found = json.loads(next(response.iter_content(_BLOCK), b""))
            except (ValueError, *LOST):
                return []
        roles = found.get("roles") if isinstance(found, dict) else None
        return [str(role) for role in roles or () if str(role) not in (EVERYONE, USERS)]

    def _linked_roles(self) -> list[str]:
        found = self.wire.call("GET", "collections", params={"limit": "50"})
        for each in found.get("results") or []:
            link = unquote(str((each.get("links") or {}).get("xref_export", "")))
            named = re.search(r"Authz\((\d+)\)", link)
            if named:
                return [named[1]]
        return []

    # Permissions

    def permissions(self, number: str) -> list[Json]:
        """Give who may read and write a collection, and who could be let in: groups and, to an
        admin, the public roles.
        """
        return self._rows(self.wire.call("GET", f"collections/{number}/permissions"))

    def permit(
        self, number: str, role: str, *, read: bool, write: bool, email: str = ""
    ) -> list[Json]:
        """Set what a role may do in a collection, and give what holds now.

        Aleph leaves out without a word what it does not allow: a public role in an investigation,
        and (Aleph 4.1) somebody new without their e-mail address.
        """
        row: Json = {"role_id": role, "read": read, "write": write}
        body = json.dumps([row | ({"email": email} if email else {})]).encode()
        return self._rows(self.wire.call("POST", f"collections/{number}/permissions", body=body))

    def _rows(self, found: Json) -> list[Json]:
        rows = []
        for each in found.get("results") or []:
            role = each.get("role") or {}
            rights = {name: bool(each.get(name)) for name in ("read", "write")}
            names = {name: str(role.get(name) or "") for name in ("id", "name", "type")}
            rows.append(names | rights)
        return rows

    def people(self, prefix: str) -> list[Json]:
        """Give the people whom a text may mean: in Aleph a whole e-mail address, in OpenAleph the
        beginning of a name or address.
        """
        found = self.wire.call("GET", "roles/_suggest", params={"prefix": prefix})
        return list(found.get("results") or [])

    # Alerts

    def alerts(self) -> list[Json]:
        """Give the alerts of whoever holds the key."""
        return list(self.listed("alerts"))

    def alert(self, number: str) -> Json | None:
        """Give one of the alerts; None when there is none of that number."""
        try:
            return self.wire.call("GET", f"alerts/{number}")
        except AlephError as error:
            if error.status == 404:
                return None
            raise

    def add_alert(self, query: str) -> Json:
        """Make an alert of a query that has none yet.

        Aleph takes a second one of the same query, too, as when its first answer is lost.
        """
        made = self.wire.call("POST", "alerts", fields={"query": query})
        for each in self.alerts():
            if each.get("query") == query and each.get("id") != made.get("id"):
                self.remove_alert(str(each.get("id")))
        return made

    def remove_alert(self, number: str) -> None:
        """Remove an alert."""
        self.wire.call("DELETE", f"alerts/{number}")

    def hits(self, query: str, since: datetime | None = None) -> tuple[int, list[Json]]:
        """Give how many things a query finds, and the 50 that an alert would tell of."""
        params = [("q", query), ("filter:schemata", "Thing"), ("sort", "updated_at:desc")]
        if since is not None:
            plain = since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
            params.append(("filter:gt:updated_at", plain))
        params.append(("limit", "50"))
        # OpenAleph's word for a query that it cannot read is 500.
        found = self.wire.call("GET", "entities", params=params, repeat=False)
        return int(found.get("total") or 0), list(found.get("results") or [])

    # Cross-reference

    def start_xref(self, number: str) -> None:
        """Let Aleph compare a collection with all others that the key may read."""
        self.wire.call("POST", f"collections/{number}/xref")

    def matches(self, number: str) -> Iterator[Json]:
        """Give what cross-reference found, the best match first."""
        return self.listed(f"collections/{number}/xref", [("sort", "score:desc")])

    def export_xref(self, number: str) -> None:
        """Let Aleph write its spreadsheet of matches; it then stands among the exports."""
        where = f"collections/{number}/xref.xlsx"
        try:
            self.wire.call("POST", where)
        except AlephError as error:
            if error.status != 405:
                raise
            self.wire.call("GET", where)  # as Aleph 3 has it

    def exports(self) -> list[Json]:
        """Give the exports of whoever holds the key, the newest first."""
        return list(self.listed("exports"))

    def save(self, link: str, path: Path) -> int:
        """Save what a link of Aleph's leads to as a file, whole or not at all; give its bytes."""
        with self._followed(link) as response:
            return _written(response, path)

    @contextmanager
    def _followed(self, link: str) -> Iterator[requests.Response]:
        """Open what a link of Aleph's leads to.

        The address in the link is that of Aleph's pages, perhaps not the one it is called at. A
        file store elsewhere that Aleph sends us on to never sees the key.
        """
        where = link.partition("/api/2/")[2]
        if not where:
            raise AlephError(0, "Aleph gave a link that leads out of its API")
        try:
            with self.wire.send("GET", where) as response:
                if response.status_code == 200:
                    yield response
                    return
                if response.status_code not in (301, 302, 303, 307, 308):
                    raise self.wire.refusal(response, where)
                elsewhere = urljoin(response.url, response.headers.get("Location", ""))
            patience = self.wire.patience
            limits = (patience.connect, patience.answer)
            with requests.get(elsewhere, stream=True, timeout=limits) as response:
                if response.status_code != 200:
                    raise AlephError(response.status_code, "Aleph's file store refused the file")
                yield response
        except LOST as problem:
            reason = type(problem).__name__
            raise AlephDown(0, f"Aleph at {self.wire.host} broke off ({reason})") from None

    # Mappings

    def mappings(self, number: str) -> list[Json]:
        """Give the mappings of a collection."""
        return list(self.listed(f"collections/{number}/mappings"))

    def mapping(self, number: str, mapping: str) -> Json:
        """Give one mapping with the state of its last run."""
        return self.wire.call("GET", f"collections/{number}/mappings/{mapping}")

    def add_mapping(self, number: str, table: str, query: Json) -> Json:
        """Make a mapping from a table; nothing is loaded before it is started."""
        fields = {"table_id": table, "mapping_query": query}
        where = f"collections/{number}/mappings"
        before = {each.get("id") for each in self.mappings(number)}
        made = self.wire.call("POST", where, fields=fields)
        for each in self.mappings(number):  # made twice when the first answer is lost
            same = each.get("query") == made.get("query") and each.get("table_id") == table
            if same and each.get("id") not in {*before, made.get("id")}:
                self.wire.call("DELETE", f"{where}/{each.get('id')}")
        return made

    def start_mapping(self, number: str, mapping: str) -> None:
        """Let Aleph load what a mapping makes of its table."""
        self.wire.call("POST", f"collections/{number}/mappings/{mapping}/trigger")

    def remove_mapping(self, number: str, mapping: str) -> None:
        """Remove a mapping and, first, what it has loaded."""
        self.wire.call("POST", f"collections/{number}/mappings/{mapping}/flush")
        self.wire.call("DELETE", f"collections/{number}/mappings/{mapping}")

    def tables(self, number: str, name: str = "") -> list[Json]:
        """Give the tables of a collection, those of a file name or (without) all."""
        params = [("filter:collection_id", number), ("filter:schemata", "Table")]
        return list(
            self.listed(
                "entities", [*params, *([("filter:properties.fileName", name)] if name else [])]
            )
        )

    def heads(self, table: Json) -> list[str]:
        """Give the heads of a table's columns, by which a mapping names them; none when Aleph
        does not let its rows be read.
        """
        links = table.get("links") or {}
        kinds = (table.get("properties") or {}).get("mimeType") or []
        link = links.get("csv") or (links.get("file") if "text/csv" in kinds else None)
        if not link:
            return []
        try:
            with self._followed(str(link)) as response:
                start = next(response.iter_content(_BLOCK), b"").decode("utf-8-sig", "replace")
            return [head.strip() for head in next(csv.reader(io.StringIO(start)), [])]
        except (AlephError, csv.Error):
            return []

    def loaded(self, number: str, schema: str, table: str) -> int:
        """Give how many entities of a schema name a table as where they come from."""
        params = [("filter:collection_id", number), ("filter:schema", schema)]
        return self.total("entities", [*params, ("filter:properties.proof", table)])


def _written(response: requests.Response, path: Path) -> int:
    number, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    size = 0
    try:
        with os.fdopen(number, "wb") as out:
            for piece in response.iter_content(_BLOCK):
                size += out.write(piece)
        Path(unfinished).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise
    return size


def moment(text: Any) -> datetime | None:
    """Read one of Aleph's times, which are UTC and do not say so."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def caption(entity: Json | None) -> str:
    """Give the name under which people know an entity."""
    if not entity:
        return ""
    properties = entity.get("properties") or {}
    named = [entity.get("caption")]
    named += [
        (properties.get(name) or [""])[0] for name in ("name", "title", "subject", "fileName")
    ]
    found = next((each for each in named if each), entity.get("id", ""))
    # Nothing that a terminal would obey: names are what others have written.
    return "".join(each for each in " ".join(str(found).split())[:200] if each.isprintable())
