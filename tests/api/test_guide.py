"""The examples of docs/authorities.md run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from foi.archive.models import Attachment, InfoRequest
from tests.api.conftest import Served

GUIDE = Path(__file__).parents[2] / "docs" / "authorities.md"
PROGRAMS = {"sh": ["sh", "-eu"], "python": [sys.executable, "-W", "ignore"], "ruby": ["ruby"]}


def example(language: str) -> str:
    """Give the page's one example in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    return str(found)


@pytest.mark.parametrize("language", PROGRAMS)
def test_an_example_publishes_a_request_with_its_answer(
    served: Served, tmp_path: Path, language: str
) -> None:
    needed = "curl" if language == "sh" else PROGRAMS[language][0]
    if shutil.which(needed) is None:
        said = f"{needed} is not installed: the example was not tried"
        if needed in os.environ.get("FOI_REQUIRE", "").split():
            pytest.fail(said)
        pytest.skip(said)
    script = tmp_path / f"example.{language}"
    script.write_text(example(language), encoding="utf-8")
    environ = os.environ | {
        "FOI_SITE": served.url,
        "FOI_KEY": served.key,
        "PYTHONPATH": str(GUIDE.parents[1]),
    }
    done = subprocess.run(
        [*PROGRAMS[language], str(script)],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with served.site.sessions.reading() as db:
        made = db.query(InfoRequest).one()
        attached = db.query(Attachment).one()
        assert made.title == "Grit bins on Wicken Hill"
        assert made.described_state == "successful"
        assert (attached.name, attached.media_type) == ("bins.csv", "text/csv")
    if language == "python":
        assert done.stdout == "successful\n"
