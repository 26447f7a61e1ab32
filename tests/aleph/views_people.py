"""The server's own description, roles, sessions, alerts and notifications.

Gives up: registration, OAuth, and the daily check of alerts (no alert ever finds anything).
"""

import secrets

from webob import Response

from tests.aleph.ask import Ask, answer, nothing
from tests.aleph.refusals import Refused, invalid, not_found
from tests.aleph.schemata import description
from tests.aleph.store import Record, now
from tests.aleph.views_collections import CATEGORIES, FREQUENCIES

_LOCALES = {"en": "English", "de": "Deutsch", "fr": "français", "es": "español"}


def metadata(ask: Ask) -> Response:
    """Describe the server: its version tells Aleph from OpenAleph."""
    dialect, base = ask.server.dialect, ask.server.presenter.base
    app = {
        "title": dialect.title,
        "version": dialect.version,
        "ftm_version": dialect.ftm_version,
        "banner": None,
        "ui_uri": f"{base}/",
        "messages_url": None,
        "publish": False,
        "logo": "/static/logo.png",
        "favicon": "/static/favicon.png",
        "locale": "en",
        "locales": _LOCALES,
    }
    out = {
        "status": "ok",
        "maintenance": ask.server.people.maintenance,
        "app": app,
        "categories": CATEGORIES,
        "frequencies": FREQUENCIES,
        "pages": [],
        "model": description(),
        "token": None,
        "auth": {
            "oauth": False,
            "require_logged_in": False,
            "password_login_uri": f"{base}/api/2/sessions/login",
        },
        "feature_flags": {"bookmarks": False},
        "feedback_urls": {"documents": None, "timelines": None},
    }
    if dialect.captions:
        out |= {"service_urls": {"ftm_assets": None}, "services": {}}
    return answer(out)


def healthz(ask: Ask) -> Response:
    """Say that the server lives, at the one address its generation has for it."""
    if ask.request.path != ask.server.dialect.healthz:
        raise not_found()
    return answer({"status": "ok"})


def login(ask: Ask) -> Response:
    """Give a session token for an address and password; here the API key is the password."""
    fields = ask.fields()
    for role in ask.server.store.roles.values():
        if role["api_key"] and (role["email"], role["api_key"]) == (
            fields.get("email"),
            fields.get("password"),
        ):
            token = f"{role['id']}.{secrets.token_hex(16)}"
            ask.server.store.sessions.save(token, {"role_id": role["id"]})
            return answer({"status": "ok", "token": token})
    raise Refused(400, "Invalid user or password.")


def role(ask: Ask) -> Response:
    """Show a role: one's own in full, others only to admins."""
    found = ask.server.store.roles.get(ask.names["role"])
    if found is None:
        raise not_found()
    if ask.caller.role is None or not (ask.caller.admin or ask.caller.id == found["id"]):
        raise ask.forbidden()
    return answer(ask.server.presenter.role(found, ask.caller, deep=True))


def generate_api_key(ask: Ask) -> Response:
    """Aleph: replace one's key by a new one, shown this once; OpenAleph has no such thing."""
    found = ask.server.store.roles.get(ask.names["role"])
    if found is None or ask.server.dialect.api_key_shown:
        raise not_found()
    if ask.caller.id != found["id"]:
        raise ask.forbidden()
    key = secrets.token_hex(20)
    ask.server.people.rekey(found["id"], key)
    shown = ask.server.presenter.role(found, ask.caller, deep=True)
    return answer({**shown, "api_key": key})


def suggest(ask: Ask) -> Response:
    """Suggest people: Aleph wants the whole address, OpenAleph the start of a name."""
    ask.login()
    prefix = ask.request.GET.get("prefix", "")
    if len(prefix) < ask.server.dialect.suggest_from:
        return answer(
            {"status": "error", "message": "prefix filter is too short", "results": [], "total": 0}
        )
    people = [p for p in ask.server.store.roles.values() if p["type"] == "user"]
    if ask.server.dialect.captions:
        found = [
            p
            for p in people
            if p["name"].lower().startswith(prefix.lower()) or p["email"].startswith(prefix)
        ]
    else:
        found = [p for p in people if p["email"] == prefix]
    return answer(ask.page(found, lambda p: ask.server.presenter.role(p, ask.caller)))


def _alert(ask: Ask, row: Record) -> Record:
    url = f"{ask.server.presenter.base}/api/2/alerts/{row['id']}"
    return {
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "query": row["query"],
        "notified_at": row["updated_at"],
        "id": row["id"],
        "writeable": True,
        "links": {"self": url},
    }


def _own_alert(ask: Ask) -> Record:
    ask.login()
    row = ask.server.store.alerts.get(ask.names["alert"])
    if row is None or row["role_id"] != ask.caller.id:
        raise not_found()
    return row


def alerts(ask: Ask) -> Response:
    """List one's alerts, the newest first."""
    ask.login()
    mine = [row for row in ask.server.store.alerts.values() if row["role_id"] == ask.caller.id]
    return answer(ask.page(mine[::-1], lambda row: _alert(ask, row)))


def create_alert(ask: Ask) -> Response:
    """Make an alert; the same query twice makes two, and no query is checked."""
    ask.login(write=True)
    query = ask.fields().get("query")
    if query is None:
        raise invalid({"": "'query' is a required property"})
    if not isinstance(query, str) or not 3 <= len(query) <= 100:
        wrong = "too long" if isinstance(query, str) and len(query) > 100 else "too short"
        raise invalid({"query": f"{query!r} is {wrong}"})
    row = {
        "id": str(ask.server.store.number("alert")),
        "role_id": ask.caller.id,
        "query": query,
        "created_at": now(),
        "updated_at": now(),
    }
    return answer(_alert(ask, ask.server.store.alerts.save(row["id"], row)))


def alert(ask: Ask) -> Response:
    """Show one of one's alerts."""
    return answer(_alert(ask, _own_alert(ask)))


def delete_alert(ask: Ask) -> Response:
    """Delete one of one's alerts."""
    ask.server.store.alerts.drop(_own_alert(ask)["id"])
    return nothing()


def notifications(ask: Ask) -> Response:
    """List what others did that concerns the caller; one's own doings are left out."""
    ask.login()
    readable = {row["id"] for row in ask.server.readable(ask.caller)}
    rows = [
        event
        for event in ask.server.store.events.values()
        if event["collection_id"] in readable and event["actor_id"] != ask.caller.id
    ]

    def show(event: Record) -> Record:
        collection = ask.server.store.collections[event["collection_id"]]
        brief = ask.server.presenter.collection(collection, ask.caller, people=False)
        return {
            "params": {"collection": brief},
            "created_at": event["created_at"],
            "event": {"name": event["name"], "title": event["name"]},
            "channels": [f"Collection:{collection['id']}"],
            "id": event["id"],
            "writeable": False,
        }

    return answer(ask.search(lambda row, name: [], lambda row: "").run(rows[::-1], show))


ROUTES = [
    ("GET", "/api/2/metadata", metadata),
    ("GET", "/healthz", healthz),
    ("GET", "/api/2/healthz", healthz),
    ("POST", "/api/2/sessions/login", login),
    ("GET", "/api/2/roles/_suggest", suggest),
    ("GET", "/api/2/roles/{role}", role),
    ("POST", "/api/2/roles/{role}/generate_api_key", generate_api_key),
    ("GET", "/api/2/alerts", alerts),
    ("POST PUT", "/api/2/alerts", create_alert),
    ("GET", "/api/2/alerts/{alert}", alert),
    ("DELETE", "/api/2/alerts/{alert}", delete_alert),
    ("GET", "/api/2/notifications", notifications),
]
