"""What keeps the bridge from working, asked of Aleph, of this machine and of the settings.

It looks where everything may be wrong, so it takes nothing for granted and each question stands by
itself. What it gives up: trying to write; rights are read and not tested.
"""

import json
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies
from sqlalchemy import func, select

from bridge.aleph import Aleph
from bridge.config import Remote
from bridge.model import Model
from bridge.places import places
from bridge.wire import AlephError, Json, Patience
from bridge.workspace import Holder, Workspace
from foi.archive.ledger import now
from foi.archive.models import Delivery
from foi.site import Site
from foi.work import outbox

OK, WARNING, PROBLEM = "ok", "warning", "problem"
BRIEF = Patience(attempts=1, pause=0.1, longest=1.0, connect=10.0, answer=30.0)
"""Nobody waits long for a doctor, and what works only now and then is worth a word."""
SCHEMATA = ("PublicBody", "Person", "Folder", "Email", "Documentation", "Document")
"""What the bridge writes."""
_SLOW, _SKEW = 5.0, 60.0
_SOON = timedelta(days=90)
_LATE = timedelta(hours=1)
_LITTLE, _NONE = 2 * 2**30, 200 * 2**20
_READ = 16 * 2**20


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `ok`, `warning` or `problem`, and a sentence that says what to do."""

    check: str
    state: str
    text: str


def examine(site: Site, remote: Remote) -> Iterator[Finding]:
    """Look at one Aleph, as far as one can get: where it is, what it is, whose key, what is
    allowed, what is owed.
    """
    yield from _owed(site, remote)
    address = _address(remote.host)
    yield address
    if address.state == PROBLEM:
        return
    if remote.key and not (
        remote.key.isascii() and remote.key.isprintable() and " " not in remote.key
    ):
        text = "the key holds characters that no key has: copy it anew from Settings in Aleph"
        yield Finding("key", PROBLEM, text)
        return
    aleph = Aleph(remote.host, remote.key, BRIEF)
    try:
        yield from _asked(site, remote, aleph)
    except (AlephError, requests.RequestException) as error:
        text = f"Aleph stopped answering: {_reason(error)}; try again"
        yield Finding("reach", PROBLEM, text)
    finally:
        aleph.close()


def examine_site(site: Site) -> Iterator[Finding]:
    """Look at what is the same for every Aleph: room on the disk."""
    try:
        usage = shutil.disk_usage(site.settings.data_folder)
    except OSError as error:
        yield Finding("disk", PROBLEM, f"the data folder cannot be looked at: {error.strerror}")
        return
    free = f"{usage.free / 2**30:,.1f} GB free for {site.settings.data_folder}"
    if usage.free < _NONE:
        yield Finding("disk", PROBLEM, f"{free}: make room, or nothing can be written any more")
    elif usage.free < _LITTLE:
        yield Finding("disk", WARNING, f"{free}: make room soon")
    else:
        yield Finding("disk", OK, free)


def _address(whole: str) -> Finding:
    parts = urlsplit(whole)
    host = parts.hostname or ""
    if not get_environ_proxies(whole):
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            text = f"the name {host} is not known here: look at aleph.host, and at the network"
            return Finding("address", PROBLEM, text)
    if parts.scheme == "http" and not is_local(host):
        text = f"{whole} is not encrypted, so the key can be read on its way: use https"
        return Finding("address", WARNING, text)
    return Finding("address", OK, whole)


def is_local(host: str) -> bool:
    """Tell whether a host is one that only this machine or its own network knows."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".").lower()
        ends = (".localhost", ".local", ".internal", ".test", ".invalid", ".lan")
        return "." not in name or name.endswith(ends)


def _asked(site: Site, remote: Remote, aleph: Aleph) -> Iterator[Finding]:
    reached, about, date = _reached(aleph)
    yield reached
    if about is None:
        return
    yield from _server(about)
    yield _clock(date)
    yield _site_url(site, remote)
    yield _model(about)
    key = _key(aleph, remote)
    yield key
    if key.state == PROBLEM:
        return
    holder = Workspace(aleph).holder()
    yield _holder(holder)
    yield _expiry(holder, str(about["app"].get("version", "")))
    yield from _collections(site, remote, aleph)


def _reached(aleph: Aleph) -> tuple[Finding, Json | None, str]:
    """Ask what Aleph tells everyone; give it with the time that its clock showed."""
    begun = time.monotonic()
    try:
        with aleph.send("GET", "metadata") as response:
            content = _some(response)
            status, date = response.status_code, response.headers.get("Date", "")
            refused = aleph.refusal(response, "metadata").message if status >= 300 else ""
    except requests.RequestException as error:
        return Finding("reach", PROBLEM, _unreachable(error)), None, ""
    took = time.monotonic() - begun
    if 300 <= status < 400:
        return Finding("reach", PROBLEM, refused), None, ""
    if status >= 500 or status == 429:
        text = f"Aleph is down or overloaded (HTTP {status}): ask those who run it"
        return Finding("reach", PROBLEM, text), None, ""
    try:
        about = json.loads(content)
    except ValueError:
        about = None
    if status != 200 or not isinstance(about, dict) or not isinstance(about.get("app"), dict):
        text = (
            f"what answers at {aleph.host} is not an Aleph (HTTP {status}): aleph.host is the "
            "address at which one opens Aleph, without a path; a proxy that asks for a password "
            "must let /api/2 through"
        )
        return Finding("reach", PROBLEM, text), None, ""
    if took > _SLOW:
        return Finding("reach", WARNING, f"Aleph took {took:.1f} s to answer"), about, date
    return Finding("reach", OK, f"answers in {took:.2f} s"), about, date


def _some(response: requests.Response) -> bytes:
    content = bytearray()
    for piece in response.iter_content(65_536):
        content += piece
        if len(content) > _READ:
            break
    return bytes(content)


def _unreachable(error: requests.RequestException) -> str:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if "self-signed" in text or "self signed" in text or "unable to get local issuer" in text:
            return (
                "its certificate is signed by nobody whom this machine trusts: if by an authority "
                "of your own, name the file with its certificate in REQUESTS_CA_BUNDLE"
            )
        if "expired" in text:
            return "its certificate has expired: ask those who run Aleph to renew it"
        if "match" in text:
            return "its certificate is for another name: look at aleph.host"
        return "no encrypted connection comes about: is https right in aleph.host?"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy that the environment names does not answer: look at HTTPS_PROXY"
    if isinstance(error, requests.Timeout):
        return "Aleph does not answer in time: it is down, or a firewall is between"
    return f"nothing answers there ({type(error).__name__}): is Aleph up, and the port right?"


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, AlephError) else type(error).__name__


def _server(about: Json) -> Iterator[Finding]:
    app = about["app"]
    version = str(app.get("version", ""))
    major = version.partition(".")[0]
    kind = {"3": "Aleph", "4": "Aleph", "5": "OpenAleph"}.get(major)
    if kind:
        yield Finding("server", OK, f"{kind} {version}")
    else:
        text = f"version {version or 'unknown'}: the bridge is made for Aleph 3, 4 and OpenAleph 5"
        yield Finding("server", WARNING, text)
    if about.get("maintenance"):
        text = "Aleph is in maintenance mode and takes nothing; the bridge goes on when it is over"
        yield Finding("maintenance", PROBLEM, text)


def _clock(date: str) -> Finding:
    try:
        theirs = parsedate_to_datetime(date)
        apart = (now() - theirs).total_seconds()
    except (TypeError, ValueError):
        return Finding("clock", WARNING, "Aleph does not say what time it is: look at your clock")
    if abs(apart) <= _SKEW:
        return Finding("clock", OK, "agrees with Aleph's")
    way = "ahead of" if apart > 0 else "behind"
    text = f"this machine is {abs(apart):,.0f} s {way} Aleph: let both follow NTP"
    return Finding("clock", WARNING, text)


def _site_url(site: Site, remote: Remote) -> Finding:
    url = site.settings.site_url
    if not is_local(urlsplit(url).hostname or ""):
        return Finding("site.url", OK, url)
    # Harmless while one tries things out on one machine; elsewhere all links lead nowhere.
    bad = WARNING if is_local(urlsplit(remote.host).hostname or "") else PROBLEM
    text = f"{url} is no public address, and every link in Aleph leads there: set site.url"
    return Finding("site.url", bad, text)


def _model(about: Json) -> Finding:
    model = Model(about.get("model"))
    if not model:
        return Finding("model", WARNING, "Aleph does not tell its model: nothing can be checked")
    unknown = [name for name in SCHEMATA if model.schema(name) is None]
    if unknown:
        text = f"it knows no {', '.join(unknown)}: that will not arrive; Aleph is too old"
        return Finding("model", PROBLEM, text)
    return Finding("model", OK, f"knows all {len(SCHEMATA)} schemata that are sent")


def _key(aleph: Aleph, remote: Remote) -> Finding:
    if not remote.key:
        where = f"target {remote.name}" if remote.name else "setting aleph.api_key"
        return Finding("key", PROBLEM, f"{where} has no key: make one under Settings in Aleph")
    try:
        aleph.call("GET", "status")
    except AlephError as error:
        if error.status not in (401, 403):
            raise
        text = (
            "Aleph takes the key for nobody's: it is wrong or has expired (in Aleph 4.1 after 90 "
            "days); make a new one under Settings in Aleph and set it as aleph.api_key"
        )
        return Finding("key", PROBLEM, text)
    return Finding("key", OK, "is good")


def _holder(holder: Holder) -> Finding:
    who = f"{holder.name or 'somebody'} (role {holder.id or 'unknown'})"
    if holder.admin:
        text = f"{who}, an admin of Aleph: may publish, and do anything else, so keep the key well"
        return Finding("holder", OK, text)
    if holder.id:
        return Finding("holder", OK, f"{who}, no admin: publishing is for an admin of Aleph")
    return Finding("holder", WARNING, "Aleph does not tell whose key it is")


def _expiry(holder: Holder, version: str) -> Finding:
    if holder.expires is None:
        never = version.startswith(("3.", "5."))
        text = "keys of this version do not expire" if never else "Aleph does not say when"
        return Finding("expiry", OK, text)
    left = holder.expires - now()
    day = f"{holder.expires:%Y-%m-%d}"
    if left <= timedelta():
        return Finding("expiry", PROBLEM, f"the key expired on {day}: make a new one in Aleph")
    if left <= _SOON:
        text = f"the key expires on {day}, in {left.days} days: make a new one before then"
        return Finding("expiry", WARNING, text)
    return Finding("expiry", OK, f"the key is good until {day}")


def _collections(site: Site, remote: Remote, aleph: Aleph) -> Iterator[Finding]:
    with site.sessions.reading() as db:
        wanted = [place.foreign_id for place in places(db, site, remote) if place.wanted]
    for foreign_id in wanted:
        found = aleph.find_collection(foreign_id)
        yield _collection(foreign_id, found)
        if found is not None and found.get("writeable"):
            queued = aleph.queued(str(found["id"]))
            if queued:
                text = f"{foreign_id}: Aleph has {queued:,} tasks to do; files show up after that"
                yield Finding("processing", OK, text)


def _collection(foreign_id: str, found: dict[str, Any] | None) -> Finding:
    if found is None:
        text = (
            f"{foreign_id} is not there: `foi bridge push` makes it, unless somebody else has one "
            "of that name"
        )
        return Finding("collection", WARNING, text)
    if not found.get("writeable"):
        text = (
            f"the key may not write {foreign_id}: let whoever has made it run `foi bridge "
            "permissions grant --write`, or do so in Aleph"
        )
        return Finding("collection", PROBLEM, text)
    if found.get("secret"):
        text = (
            f"{foreign_id} can be written, and read only by whom it is shared with; to publish "
            "it: `foi bridge permissions grant everyone` with an admin's key"
        )
        return Finding("collection", OK, text)
    return Finding("collection", OK, f"{foreign_id} can be written, and read by the public")


def _owed(site: Site, remote: Remote) -> Iterator[Finding]:
    with site.sessions.reading() as db:
        counts = outbox.counts(db).get(remote.consumer, {"owed": 0, "parked": 0})
        oldest = db.scalar(
            select(func.min(Delivery.due_at)).where(
                Delivery.consumer == remote.consumer, Delivery.parked.is_(False)
            )
        )
    owed, parked = counts["owed"], counts["parked"]
    if parked:
        text = (
            f"{parked:,} deliveries were given up: `foi work --parked` says why, `foi work "
            "--retry` tries them again"
        )
        yield Finding("parked", WARNING, text)
    if oldest is not None and now() - oldest > _LATE:
        text = f"{owed - parked:,} deliveries wait, some for over an hour: is `foi work` running?"
        yield Finding("queue", WARNING, text)
    else:
        yield Finding("queue", OK, f"{owed - parked:,} deliveries are owed")
