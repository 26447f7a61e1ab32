"""The JSON of roles, collections and entities, as Aleph's serialisers give it.

Empty members are dropped, references come back as objects when their target can be read and as
bare ids when not. Gives up: gravatars, profiles, bookmarks.
"""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import nh3

from tests.aleph.dialects import Dialect
from tests.aleph.entities import Entities, caption, field_values
from tests.aleph.people import Caller, People
from tests.aleph.processing import Pipeline
from tests.aleph.schemata import SCHEMATA
from tests.aleph.store import Record, Store

_STATISTICS = ("names", "addresses", "phones", "emails", "countries", "languages", "ibans")
_SHOWN = (
    "data_updated_at",
    "label",
    "summary",
    "publisher",
    "publisher_url",
    "info_url",
    "data_url",
)
LINK_LIFE = 3 * 3600
CACHE_LIFE = 300


def without_empty(record: Record) -> Record:
    """Drop nulls, empty texts, lists and objects, as every serialised thing has it."""
    return {key: value for key, value in record.items() if value not in (None, "", [], {})}


class Presenter:
    """Serialises for one caller at a time."""

    def __init__(
        self,
        store: Store,
        people: People,
        entities: Entities,
        pipeline: Pipeline,
        dialect: Dialect,
    ) -> None:
        self.store = store
        self.people = people
        self.entities = entities
        self.pipeline = pipeline
        self.dialect = dialect
        self.base = ""
        self._counts: dict[str, tuple[int, int]] = {}
        self._statistics: dict[str, tuple[float, Record]] = {}
        self._secret = store.secret("archive").encode()

    def role(self, role: Record, caller: Caller, *, deep: bool = False) -> Record:
        """Give a role, in full only to itself and to admins."""
        mail = role["email"]
        name, _, host = mail.partition("@")
        label = f"{role['name']} <{name[:1]}{'*' * (len(name) - 1)}@{host}>" if mail else ""
        out = {"type": role["type"], "name": role["name"], "label": label or role["name"]}
        if self.dialect.captions and role["type"] == "user":
            out["is_investigator"] = True
        mine = caller.admin or caller.id == role["id"]
        if deep and mine:
            out = {
                "created_at": role["created_at"],
                "updated_at": role["updated_at"],
                **out,
                "email": mail,
                "is_admin": role["is_admin"],
                "is_muted": False,
                "is_tester": False,
                "has_password": True,
            }
            out |= (
                {"api_key": role["api_key"]}
                if self.dialect.api_key_shown
                else {"has_api_key": bool(role["api_key"])}
            )
            expires = role.get("api_key_expires_at")
            if expires and not self.dialect.api_key_shown:
                out["api_key_expires_at"] = expires
            out["counts"] = self._role_counts(role["id"])
        return {
            **out,
            "shallow": not deep,
            "id": role["id"],
            "writeable": mine,
            "links": {"self": f"{self.base}/api/2/roles/{role['id']}"},
        }

    def _role_counts(self, role_id: str) -> Record:
        alerts = [a for a in self.store.alerts.values() if a["role_id"] == role_id]
        mine = [c for c in self.store.collections.values() if c["creator_id"] == role_id]
        exports = [e for e in self.store.exports.values() if e["creator_id"] == role_id]
        return {"alerts": len(alerts), "casefiles": len(mine), "exports": len(exports)}

    def collection(
        self, row: Record, caller: Caller, *, deep: bool = False, people: bool = True
    ) -> Record:
        """Give a collection; ``deep`` adds statistics, counts and status."""
        id_ = row["id"]
        out = self._collection_members(row)
        if deep:
            mappings = list(self.store.of(self.store.mappings, id_))
            out["statistics"] = self.statistics(id_)
            out["counts"] = {"mappings": len(mappings)}
            out["status"] = self.brief_status(row)
        url = f"{self.base}/api/2/collections/{id_}"
        out["id"] = id_
        out["writeable"] = self.people.can_write(id_, caller)
        # The real servers tell here whose key it is (seen in both recordings).
        whose = f"?_authz=%3CAuthz({caller.id})%3E" if out["writeable"] else ""
        out["links"] = {
            "self": url,
            "xref_export": f"{url}/xref.xlsx{whose}",
            "reconcile": f"{url}/reconcile",
            "ui": f"{self.base}/datasets/{id_}",
        }
        out["shallow"] = not deep
        if people:
            out["creator"] = self.role(self.store.roles[row["creator_id"]], caller)
        if people and out["writeable"]:
            out["team"] = [self.role(role, caller) for role in self.people.team(id_)]
        return without_empty(out)

    def _collection_members(self, row: Record) -> Record:
        """Give what a collection says of itself to everyone alike."""
        out = {
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "category": row["category"],
            "frequency": row["frequency"],
            "countries": row["countries"],
            "languages": row["languages"],
            "collection_id": row["id"],
            "foreign_id": row["foreign_id"],
            **{key: row.get(key) for key in _SHOWN},
            "casefile": row["category"] == "casefile",
            "secret": self.people.secret(row["id"]),
            "xref": row["xref"],
            "restricted": row["restricted"],
            "count": self.count(row["id"]),
        }
        if self.dialect.captions:
            out["name"] = row["foreign_id"]
            out["contains_ai"] = row.get("contains_ai")
            out |= {"external": False, "taggable": False}
        return out

    def count(self, collection_id: str) -> int:
        """Give the number of searchable Things."""
        version = self.store.index.version
        made, number = self._counts.get(collection_id, (-1, 0))
        if made != version:
            rows = self.entities.indexed(collection_id)
            number = sum(SCHEMATA[row["schema"]].is_a("Thing") for row in rows)
            self._counts[collection_id] = (version, number)
        return number

    def statistics(self, collection_id: str, *, refresh: bool = False) -> Record:
        """Give the counts by field, which are up to five minutes old."""
        made, found = self._statistics.get(collection_id, (0.0, {}))
        if refresh or time.time() - made > CACHE_LIFE:
            rows = list(self.entities.indexed(collection_id))
            found = {"schema": _count([row["schema"] for row in rows])}
            for name in _STATISTICS:
                if name != "ibans" or not self.dialect.captions:
                    found[name] = _count([v for row in rows for v in field_values(row, name)])
            self._statistics[collection_id] = (time.time(), found)
        return found

    def brief_status(self, row: Record) -> Record:
        """Give the counters shown inside a collection."""
        states = Counter(task["state"] for task in self.pipeline.tasks(row["id"]))
        if not self.dialect.tasks_status:
            return {key: states[key] for key in ("finished", "running", "pending")}
        return {
            "todo": states["pending"],
            "doing": states["running"],
            "succeeded": states["finished"],
            "failed": 0,
            "aborted": 0,
            "aborting": 0,
            "cancelled": 0,
            "name": f"collection_{row['id']}",
            "total": sum(states.values()),
            "active": states["pending"] + states["running"],
            "finished": states["finished"],
        }

    def entity(
        self, row: Record, caller: Caller, *, deep: bool = False, nested: bool = False
    ) -> Record:
        """Give an entity; references one level deep become objects."""
        collection = self.store.collections[row["collection_id"]]
        mutable = bool(row.get("mutable"))
        out: Record = {
            "created_at": row.get("created_at"),
            "mutable": mutable,
            "properties": self._properties(row, caller, expand=not nested),
            "schema": row["schema"],
            "updated_at": row.get("updated_at"),
            "score": 1.0,
            "shallow": not deep,
            "id": row["id"],
            "writeable": mutable and self.people.can_write(collection["id"], caller),
            "links": self._links(row, bare=not deep),
            "collection": self.collection(collection, caller),
        }
        if row.get("role_id"):
            out["role"] = self.role(self.store.roles[row["role_id"]], caller)
        if self.dialect.captions:
            out |= {"caption": caption(row), "dataset": collection["foreign_id"]}
        if deep:
            out |= self._details(row)
        return {k: v for k, v in out.items() if k == "properties" or v not in (None, "", [], {})}

    def _properties(self, row: Record, caller: Caller, *, expand: bool) -> dict[str, list[Any]]:
        properties: dict[str, list[Any]] = dict(sorted(row["properties"].items()))
        known = SCHEMATA[row["schema"]].properties
        for name, values in properties.items():
            if expand and name in known and known[name].type == "entity":
                properties[name] = [self._target(value, caller) for value in values]
        return properties

    def _details(self, row: Record) -> Record:
        """Give what only the view of one entity has."""
        out: Record = {"bookmarked": False}
        if row["properties"].get("bodyHtml"):
            out["safeHtml"] = [
                f"<html><body><p>{nh3.clean(text)}</p></body></html>"
                for text in row["properties"]["bodyHtml"]
            ]
        if self.dialect.captions and SCHEMATA[row["schema"]].is_a("Document"):
            out["processing_status"] = {"translate": False}
        return out

    def _target(self, entity_id: str, caller: Caller) -> Any:
        found = self.entities.find(entity_id)
        if found is None or not self.people.can_read(found["collection_id"], caller):
            return entity_id
        return self.entity(found, caller, nested=True)

    def _links(self, row: Record, *, bare: bool) -> Record:
        url = f"{self.base}/api/2/entities/{row['id']}"
        out = {
            "self": url,
            "expand": f"{url}/expand",
            "tags": f"{url}/tags",
            "ui": f"{self.base}/entities/{row['id']}",
        }
        if bare and self.dialect.bare_links_in_lists:
            return out
        for name, prop in (("file", "contentHash"), ("pdf", "pdfHash"), ("csv", "csvHash")):
            sha1 = (row["properties"].get(prop) or [""])[0]
            if sha1 not in self.store.files:
                continue
            if self.dialect.resolve_links:
                query = urlencode({"entity": row["id"], "prop": prop})
                out[name] = f"{self.base}/api/2/archive/resolve?{query}"
            else:
                out[name] = self.archive_link(row, prop)
        return out

    def archive_link(self, row: Record, prop: str) -> str:
        """Give a link to a file that works for a while without a key."""
        props = row["properties"]
        name = (props.get("fileName") or ["data"])[0]
        mime = (props.get("mimeType") or ["application/octet-stream"])[0]
        claim = {
            "h": props[prop][0],
            "f": name.replace(" ", "_"),
            "m": mime,
            "exp": int(time.time()) + LINK_LIFE,
        }
        body = urlsafe_b64encode(json.dumps(claim).encode()).decode().rstrip("=")
        return f"{self.base}/api/2/archive?{urlencode({'token': f'{body}.{self._mac(body)}'})}"

    def _mac(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()

    def read_token(self, token: str) -> Record | None:
        """Give the claim of an archive link's token; None when forged or expired."""
        body, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        claim: Record = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return claim if claim["exp"] > time.time() else None


def _count(values: list[str]) -> Record:
    counts = Counter(values)
    top = dict(counts.most_common(300))
    return ({"values": top} if top else {}) | {"total": len(counts)}
