"""Turn a folder of collected real data into files that `foi import` reads.

python -m benchmarks.convert DATA_FOLDER OUT_FOLDER

The folder holds `authorities/*.csv` in Alaveteli's columns, `correspondence/*.jsonl` with whole
threads of WhatDoTheyKnow and FragDenStaat, and `requests/*.csv` with one request a row. Import
first the authorities, then the requests. Repeated rows are left out, and so are requests of which
the authority is not known; a date with a year that cannot be meant counts as not known. Everything
else stays as the source has it.
"""

import csv
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foi.archive.slugs import numbered, slug

Line = dict[str, Any]

AUTHORITIES = {
    "uk_authorities_all.csv": "authorities_uk.csv",
    "uk_authorities_core.csv": "authorities_uk_core.csv",
    "nz_authorities.csv": "authorities_nz.csv",
    "eu_authorities.csv": "authorities_eu.csv",
}
REQUESTS = {
    "uk_wdtk_childrens_services.csv": "whatdotheyknow.jsonl",
    "uk_scottish_disclosure_logs.csv": "scottish.jsonl",
    "ca_completed_requests.csv": "canada.jsonl",
    "us_federal_requests.csv": "us.jsonl",
}
COLUMNS = ("Name", "Short name", "URL name", "Tags", "Home page", "Jurisdiction")
FRAGDENSTAAT_STATES = {"awaiting_response": "waiting_response"}
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Register:
    """The authorities that the requests need: those of the lists, and others under a slug of their
    own.
    """

    def __init__(self, lists: Iterable[Path]) -> None:
        self.listed = {row["URL name"]: row for path in lists for row in rows(path)}
        self.taken = set(self.listed)
        self.by_name: dict[str, str] = {}
        self.needed: dict[str, Line] = {}

    def url_name(self, name: str, known_as: str = "", jurisdiction: str = "") -> str:
        """Give the URL name of an authority that a request was made to."""
        url_name = known_as or self.by_name.get(name, "")
        if not url_name:
            url_name = self.by_name[name] = numbered(slug(name, "body")[:100], self.taken)
            self.taken.add(url_name)
        row = self.needed.setdefault(
            url_name, self.listed.get(url_name) or {"Name": name, "URL name": url_name}
        )
        if jurisdiction == "GB-SCT":
            row["Jurisdiction"] = jurisdiction
        return url_name

    def write(self, path: Path) -> int:
        """Write the needed ones as CSV and give their number."""
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.needed.values())
        return len(self.needed)


def rows(path: Path) -> Iterator[Line]:
    """Give the rows of a CSV file by column."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def objects(path: Path) -> Iterator[Line]:
    """Give the objects of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def plausible(text: str) -> str | None:
    """Give a date, None for none or for one whose year cannot be meant."""
    return text if text and 1990 <= int(text[:4]) <= datetime.now(UTC).year else None


def shown_size(text: str) -> int | None:
    """Give the bytes that WhatDoTheyKnow shows as `170K` or `8.9M`: as exact as that."""
    found = re.fullmatch(r"([\d.]+)([KMG]?)", text)
    return round(float(found[1]) * UNITS[found[2]]) if found else None


def thread(source: Line, register: Register, messages: list[Line]) -> Line:
    """Give the line of a request of which the whole thread is known."""
    return {
        "source": source["source"],
        "source_ref": str(source["id"]),
        "url": source["url"],
        "authority": register.url_name(
            source["authority_name"], source.get("authority_url_name", "")
        ),
        "title": source["title"],
        "url_title": source["url_title"],
        "state": source["state"] or None,
        "awaiting_description": source.get("awaiting_description", False),
        "tags": [re.sub(r"[\s:]+", "_", tag) for tag in source.get("tags", [])],
        "created_at": source["created_at"],
        "messages": messages,
    }


def sheffield(path: Path, register: Register) -> Iterator[Line]:
    """Give the lines of WhatDoTheyKnow's threads."""
    for source in objects(path):
        messages = [
            {
                "ref": str(event["message_id"]),
                "direction": "request" if event["type"] == "outgoing" else "response",
                "sent_at": event["created_at"],
                "body": event["body"],
                "attachments": [
                    {
                        "name": file["name"],
                        "size": shown_size(file["shown_size"]),
                        "link": source["url"],
                    }
                    for file in event["attachments"]
                ],
            }
            for event in source["events"]
        ]
        # The two directions are numbered apart at the source.
        for message in messages:
            message["ref"] = f"{message['direction']}-{message['ref']}"
        yield thread(source, register, messages)


def fragdenstaat(path: Path, register: Register) -> Iterator[Line]:
    """Give the lines of FragDenStaat's threads; a letter by post may have no text."""
    for source in objects(path):
        states = FRAGDENSTAAT_STATES | {"resolved": source["state"]}
        messages = [
            {
                "ref": str(event["message_id"]),
                "direction": "request" if event["type"] == "outgoing" else "response",
                "sent_at": event["created_at"],
                "body": event["body"] or None,
                "state": states.get(event["status"] or "") or None,
                "attachments": [
                    {"name": file["name"], "size": file["size"], "link": source["url"]}
                    for file in event["attachments"]
                ],
            }
            for event in source["events"]
        ]
        yield thread(source, register, messages)


def summaries(path: Path, register: Register, elsewhere: set[str]) -> Iterator[Line]:
    """Give the lines of a list of requests of which title, dates and outcome are known, rarely the
    text.
    """
    numbers: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for row in rows(path):
        if not row["authority_name"] or (row["url"] and row["url"] in elsewhere):
            continue
        told = (row["title"], row["body"])
        same = numbers.setdefault((row["source"], row["source_ref"], row["url"]), [])
        if told in same:
            continue
        same.append(told)
        yield summary(row, register, len(same))


def summary(row: Line, register: Register, occurrence: int) -> Line:
    """Give the line of one row; `occurrence` tells requests apart that bear the same number."""
    sent, closed = plausible(row["date_sent"]), plausible(row["date_closed"])
    messages = [{"direction": "request", "sent_at": sent, "body": row["body"] or None}]
    if closed:
        messages.append({"direction": "response", "sent_at": closed, "body": None})
    reference = row["source_ref"]
    return {
        "source": row["source"],
        "source_ref": reference if occurrence == 1 else f"{reference} ({occurrence})",
        "url": row["url"] if urlsplit(row["url"]).netloc else None,
        "authority": register.url_name(
            row["authority_name"], row["authority_url_name"], row["jurisdiction"]
        ),
        "title": row["title"],
        "url_title": row["url_title"] or None,
        "law_used": row["law"],
        "state": row["state"] or None,
        "awaiting_description": row["outcome_original"] == "Awaiting classification",
        "tags": row["tags"].split(),
        "created_at": sent,
        "messages": messages,
    }


def write(path: Path, lines: Iterable[Line]) -> int:
    """Write lines as JSON Lines and give their number."""
    number = 0
    with path.open("w", encoding="utf-8") as out:
        for number, line in enumerate(lines, start=1):  # noqa: B007  # the last one counts
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    return number


def convert(data: Path, out: Path) -> dict[str, int]:
    """Write every import file and give the number of lines of those with requests."""
    out.mkdir(parents=True, exist_ok=True)
    lists = [data / "authorities" / name for name in AUTHORITIES]
    for source, target in zip(lists, AUTHORITIES.values(), strict=True):
        shutil.copyfile(source, out / target)
    register = Register(lists[:1])
    threads = data / "correspondence"
    written = {
        "sheffield.jsonl": write(
            out / "sheffield.jsonl", sheffield(threads / "uk_sheffield_wdtk.jsonl", register)
        ),
        "fragdenstaat.jsonl": write(
            out / "fragdenstaat.jsonl", fragdenstaat(threads / "de_fragdenstaat.jsonl", register)
        ),
    }
    elsewhere = {line["url"] for line in objects(out / "sheffield.jsonl")}
    for name, target in REQUESTS.items():
        lines = summaries(data / "requests" / name, register, elsewhere)
        written[target] = write(out / target, lines)
    written["authorities_for_requests.csv"] = register.write(out / "authorities_for_requests.csv")
    return written


def main() -> None:
    """Convert the folder named first into the one named second."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for name, number in convert(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{name}: {number:,}")


if __name__ == "__main__":
    main()
