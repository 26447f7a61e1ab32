"""The stand-in answers as recorded servers did.

Recorded exchanges with real servers are not part of the project. Where ALEPH_EXCHANGES names a
folder with them (``record.py`` and the ``.jsonl`` files), they are replayed; otherwise these tests
are skipped. Differences that remain, all on lines the recording itself marks with ``caution``:

=========== ==================== ===============================================================
recording   exchange             why the stand-in differs
=========== ==================== ===============================================================
openaleph   reading highlight    highlights are given; the recorded engine could not
openaleph   reading similar      200; the recorded 500 was the recorded engine's
openaleph   reading match        200; the recorded 500 was the recorded engine's
openaleph   notifications list   200; the recorded 500 was the recorded database driver's
openaleph   xref list            the pair is found; the recorded engine could not
=========== ==================== ===============================================================

The recorded Aleph had no LibreOffice and the recorded OpenAleph no ingest worker: the stand-in has
a switch for each.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.aleph import Aleph

FOLDER = os.environ.get("ALEPH_EXCHANGES", "")
EXPECTED = {
    "reading / highlight",
    "reading / similar",
    "reading / match",
    "notifications / list",
    "xref / list",
}


@pytest.mark.skipif(not FOLDER, reason="ALEPH_EXCHANGES names no folder with recorded exchanges")
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("aleph-4.1.6", {"flavour": "aleph", "office": False}, set()),
        ("openaleph-5.3", {"flavour": "openaleph", "ingest_worker": False}, EXPECTED),
    ],
)
def test_recorded_exchanges_come_out_the_same(
    name: str, options: dict[str, Any], expected: set[str]
) -> None:
    recording = Path(FOLDER) / f"{name}.jsonl"
    lines = [json.loads(line) for line in recording.read_text("utf-8").splitlines()]
    cautioned = {f"{line['scenario']} / {line['step']}" for line in lines if line.get("caution")}
    with Aleph(**options) as aleph:
        command = [sys.executable, "-B", str(Path(FOLDER) / "record.py"), "replay"]
        done = subprocess.run(
            [*command, str(recording), "--base", aleph.url, "--quick", "--run", "replayed"],
            env={
                **os.environ,
                "ALEPH_USER_KEY": aleph.user_key,
                "ALEPH_ADMIN_KEY": aleph.admin_key,
            },
            capture_output=True,
            text=True,
            timeout=110,
        )
    different = set(re.findall(r"(?m)^(\w+ / [\w-]+): ", done.stdout))
    assert f"{len(lines)} exchanges replayed" in done.stdout, done.stdout + done.stderr
    assert different <= cautioned, done.stdout
    assert different == expected, done.stdout
