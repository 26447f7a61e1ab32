"""Compare the deadlines an authority stated with those we compute.

    python -m benchmarks.deadlines STATED.csv

The file has a header and at least the columns `received` (ISO date), `working_days` (20 or 40)
and `due_stated` (ISO date). Four readings of the law are counted; the one the tracker takes is
marked, and its misses are split into those where the authority's date was earlier and later.
"""

import argparse
import csv
import time
from collections import Counter
from datetime import date
from pathlib import Path

from foi.archive.deadlines import (
    JURISDICTIONS,
    Calendar,
    Jurisdiction,
    due,
    is_working_day,
    working_day_after,
)

ENGLAND_AND_WALES = Jurisdiction(
    code="England and Wales",
    label="England and Wales",
    calendars=(Calendar("GB", "ENG", "England"), Calendar("GB", "WLS", "Wales")),
    law="none: a reading some councils take",
    citation="",
    source="",
)
UNITED_KINGDOM = JURISDICTIONS["GB"]
OURS = "holidays of any part of the United Kingdom, receipt as it was"


def rolled(rule: Jurisdiction, received: date) -> date:
    """Return the first working day from the day of receipt on."""
    return received if is_working_day(rule, received) else working_day_after(rule, received, 1)


def readings(received: date, working_days: int) -> dict[str, date]:
    """Return the date each reading gives."""
    found = {}
    for holidays, rule in (
        ("holidays of any part of the United Kingdom", UNITED_KINGDOM),
        ("holidays of England and Wales", ENGLAND_AND_WALES),
    ):
        for receipt, day_zero in (
            ("receipt as it was", received),
            ("receipt moved to a working day", rolled(rule, received)),
        ):
            dates = due(rule, day_zero)
            found[f"{holidays}, {receipt}"] = (
                dates.due_on if working_days == rule.days else dates.very_overdue_on
            )
    return found


def main(path: Path) -> None:
    """Print how many stated deadlines each reading meets, and how far ours are from the others."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            (date.fromisoformat(row["received"]), int(row["working_days"]), row["due_stated"])
            for row in csv.DictReader(file)
        ]
    met: Counter[str] = Counter()
    distance: Counter[int] = Counter()
    none = 0
    for received, working_days, stated in rows:
        computed = readings(received, working_days)
        agreeing = [name for name, day in computed.items() if day.isoformat() == stated]
        met.update(agreeing)
        none += not agreeing
        distance[(date.fromisoformat(stated) - computed[OURS]).days] += 1
    started = time.perf_counter()
    for received, _, _ in rows:
        due("GB", received)
    milliseconds = (time.perf_counter() - started) * 1000 / max(len(rows), 1)

    reviews = sum(working_days == 40 for _, working_days, _ in rows)
    print(f"{len(rows)} stated deadlines, {reviews} of them of 40 days")
    for name in readings(date(2026, 3, 1), 20):
        print(f"{met[name]:5}  {name}{'   <- ours' if name == OURS else ''}")
    print(f"{none:5}  none of the four")
    earlier = sum(count for days, count in distance.items() if days < 0)
    later = sum(count for days, count in distance.items() if days > 0)
    print(f"against ours: {distance[0]} the same day, {earlier} earlier, {later} later")
    print(f"{milliseconds:.3f} ms a deadline, holidays in memory")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stated", type=Path, metavar="STATED.csv")
    main(parser.parse_args().stated)
