"""The demo content: a fictional corner of these islands, loaded by the ordinary importer.

Its dates are relative to the day of loading (`-34d 10:23`, `-3h`), so that the site always looks
alive.
"""

import json
import re
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select

from foi.archive.importing import Report, import_authorities, import_requests
from foi.archive.models import Body
from foi.site import Site

CONTENT = Path(__file__).parent / "content"
SHOWN = "harrowmere_county_council"
"""The authority whose key a newcomer tries."""

_WHEN = re.compile(r"-(\d+)d (\d\d):(\d\d)|-(\d+)h")


def load(site: Site) -> int:
    """Load the demo content into a site that has no authorities yet; give the number of requests
    made.
    """
    with site.sessions.reading() as db:
        if db.scalar(select(exists().select_from(Body))):
            return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(CONTENT / "files", folder / "files")
        lines = (CONTENT / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        dated = [
            json.dumps(_dated(json.loads(line), datetime.now(UTC)), ensure_ascii=False)
            for line in lines
        ]
        (folder / "requests.jsonl").write_text("\n".join(dated) + "\n", encoding="utf-8")
        authorities = import_authorities(site, CONTENT / "authorities.csv", _quietly)
        requests = import_requests(site, folder / "requests.jsonl", _quietly)
    refused = authorities.refused + requests.refused
    if refused:
        raise ValueError(f"the demo content is refused: {refused[0]}")
    return requests.created


def _quietly(done: int, total: int, report: Report) -> None:
    """Say nothing of how far the import has come."""


def _dated(value: Any, now: datetime) -> Any:
    """Put absolute times in place of relative ones, at any depth."""
    if isinstance(value, dict):
        return {key: _dated(each, now) for key, each in value.items()}
    if isinstance(value, list):
        return [_dated(each, now) for each in value]
    found = _WHEN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    days, hour, minute, hours = found.groups()
    if hours:
        return (now - timedelta(hours=int(hours))).isoformat(timespec="seconds")
    day = now - timedelta(days=int(days))
    return day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0).isoformat()


def things_to_try(site: Site) -> str:
    """Say where the site is, give an authority's key and three things to try with it."""
    address = site.settings.site_url
    with site.sessions.reading() as db:
        body = db.scalar(select(Body).where(Body.url_name == SHOWN)) or db.scalar(
            select(Body).order_by(Body.id)
        )
        if body is None:
            return address
        key = site.keys.make(body.id, body.key_generation)
        name, url_name = body.name, body.url_name
    document = CONTENT / "files" / "gritting_routes.pdf"
    if document.is_relative_to(Path.cwd()):
        document = document.relative_to(Path.cwd())
    creation = json.dumps(
        {
            "title": "Grit bins on Wicken Hill",
            "body": "How many grit bins are there on Wicken Hill?",
            "external_user_name": "Ada Fenn",
        }
    )
    answer = json.dumps({"direction": "response", "body": "Please see the attached schedule."})
    return f"""
  The site:   {address}/
  A key:      {key}
              ({name}; `foi key show {url_name}` prints it alone)

  Three things to try in another shell, as the software of that authority:

  1. Publish a request that the authority has received
     ID=$(curl -s {address}/api/v2/request.json -F k={key} \\
       -F 'request_json={creation}' \\
       | sed -E 's/.*"id": ?([0-9]+).*/\\1/'); echo "request $ID"

  2. Answer it, with a PDF
     curl -s {address}/api/v2/request/$ID.json -F k={key} \\
       -F 'correspondence_json={answer}' \\
       -F 'attachments=@{document}'

  3. Say how it ended
     curl -s {address}/api/v2/request/$ID/update.json -F k={key} -F state=successful

  Then look at
     {address}/request/grit_bins_on_wicken_hill (add .json for JSON)
     {address}/feed/body/{url_name} in a feed reader
     {address}/search/saltimbocca, a word that stands in the PDF only

  The desk: {address}/desk, once `foi user admin add you@example.org` makes you an administrator.
  Try the bridge to Aleph with `make aleph` in a third shell. End with Ctrl-C.
"""
