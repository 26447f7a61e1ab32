"""What an export says of itself: a catalogue of one dataset, as followthemoney's tools and
OpenSanctions' files have it (`followthemoney.dataset.DataCatalog`).

Addresses stand in it only where the site publishes the export. What it gives up: naming every
file, which the `contentHash` of the entities does.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.config import collection_name
from bridge.items import Source
from bridge.schemata import country_of, language_of

HOME = "/data"
FTM = "application/json+ftm"


@dataclass(frozen=True)
class Described:
    """A catalogue, and what its index shall remember."""

    content: bytes
    about: dict[str, str]


def describe(source: Source, folder: Path, entities: int, links: int) -> Described:
    """Describe the entities in a folder; the time of their last change stays when they do."""
    path = folder / "entities.ftm.json"
    with path.open("rb") as stream:
        sha1 = hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
        size = stream.tell()
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    updated = moment.replace(microsecond=0, tzinfo=None).isoformat()
    settings, publishes = source.site.settings, source.site.settings.bridge_publish
    resource: dict[str, Any] = {
        "name": path.name,
        "title": "FollowTheMoney entities, one a line",
        "checksum": sha1,
        "size": size,
        "mime_type": FTM,
        "timestamp": updated,
    }
    language = language_of(settings.site_locale)
    dataset = {
        "name": collection_name(settings),
        "title": f"{settings.site_name}: requests for information and their answers",
        "summary": "What was asked of public authorities, and what they answered, with the files "
        "that they sent.",
        "url": source.site.url("/"),
        "category": "library",
        "publisher": {"name": settings.site_name, "url": source.site.url("/")},
        "coverage": {"frequency": "daily", "countries": [country_of(settings.jurisdiction)]},
        "updated_at": updated,
        "entity_count": entities,
        "thing_count": entities - links,
        "resources": [resource],
    }
    if language:
        dataset["languages"] = [language]
    if publishes:
        resource["url"] = source.site.url(f"{HOME}/{path.name}")
        dataset["files_url"] = source.site.url(f"{HOME}/files/")
    found = {"datasets": [dataset], "updated_at": updated}
    content = json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"
    return Described(content, {"checksum": sha1, "size": str(size)})
