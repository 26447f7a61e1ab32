"""Addresses and telephone numbers are taken out alike, whichever way the text leaves the house."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import webtest

from bridge.export import ENTITIES, export
from foi.archive import casework
from foi.pages import links
from foi.work.worker import drain
from tests.conftest import Running, add_body, add_person, add_request, start
from tests.pages.scene import answer, attachments, file

SECRETS = ("@secret.test", "%40secret", "900123", "900 123", "900-123")
LETTER = "Please write to {}@secret.test or ring 07700 900123. Lanternword."
TABLE = b"Lanternword,who\nfile@secret.test,07700 900 123\n"
PAGE = (
    b"<p>Lanternword <b>page</b>@secret.<i>test</i>, 07700-900<u>-123</u>"
    b"<a href='mailto:link@secret.test'>write</a><a href='https://a.test/?q=l%40secret.test'>x</a>"
)


class Town:
    """One request with an address in all that can hold one."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.site, self.folder = running.site, folder
        self.app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
        with self.site.sessions.writing() as db:
            person = add_person(db, "Ada Fenn")
            request = add_request(
                db,
                add_body(db, "Fenby Town Council"),
                "Lanternword, please answer title@secret.test",
                text=LETTER.format("letter"),
                person=person,
            )
            files = [
                file(self.site, TABLE, "table of name@secret.test.csv"),
                file(self.site, PAGE, "page.html"),
                file(self.site, LETTER.format("text").encode(), "text.txt"),
            ]
            message = answer(db, request, LETTER.format("answer"), files=files)
            withheld = answer(db, request, LETTER.format("withheld"))
            casework.hide(db, withheld, "desk", reason=LETTER.format("reason"))
            casework.annotate(db, request, person, LETTER.format("note"))
            db.flush()
            self.slug = request.url_title
            self.path = links.request_path(self.slug)
            self.views = [
                links.attachment_view_path(self.slug, message.id, a.number, "x")
                for a in attachments(db, message)
            ]
        drain(self.site)

    def get(self, path: str) -> str:
        """Give a page, wherever its name leads."""
        return str(self.app.get(path).maybe_follow().text)

    def unpacked(self, name: str) -> str:
        """Give a member of the request's zip file."""
        answered = self.app.get(links.download_path(self.slug))
        return zipfile.ZipFile(io.BytesIO(answered.body)).read(name).decode()

    def exported(self) -> str:
        """Give what the bridge would tell Aleph."""
        export(self.site, "foi_test", self.folder / "out")
        return (self.folder / "out" / ENTITIES).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("masks")
    running = start(folder / "site", migrated)
    yield Town(running, folder)
    running.close()


WAYS: dict[str, Callable[[Town], str]] = {
    "page": lambda town: town.get(town.path),
    "json": lambda town: town.get(f"{town.path}.json"),
    "feed": lambda town: town.get(f"/feed{town.path}"),
    "json of the feed": lambda town: town.get(f"/feed{town.path}.json"),
    "list": lambda town: town.get("/list") + town.get("/list.json") + town.get("/feed/list"),
    "events": lambda town: town.get("/events.json?since=0"),
    "view of a table": lambda town: town.get(town.views[0]),
    "view of a page": lambda town: town.get(town.views[1]),
    "view of a text": lambda town: town.get(town.views[2]),
    "json of a view": lambda town: "".join(town.get(f"{path}.json") for path in town.views),
    "zip: letters": lambda town: town.unpacked("correspondence.txt"),
    "zip: json": lambda town: town.unpacked("request.json"),
    "zip: manifest": lambda town: town.unpacked("manifest.csv"),
    "search": lambda town: town.get("/search/lanternword/all"),
    "search as json": lambda town: town.get("/search/lanternword/all.json"),
    "search as feed": lambda town: town.get("/feed/search/lanternword/all"),
    "bridge": lambda town: town.exported(),
}  # fmt: skip
UNNAMED = ("zip: manifest", "list", "events")
"""Ways on which nothing of the kind stands but what is masked elsewhere."""


@pytest.mark.parametrize("way", WAYS)
def test_no_address_and_no_number_leaves(town: Town, way: str) -> None:
    told = WAYS[way](town)
    for secret in SECRETS:
        assert secret not in told
    assert "email address" in told
    assert "mobile number" in told or way in UNNAMED


@pytest.mark.parametrize("word", ["secret", "900123", "07700"])
def test_nobody_finds_what_was_taken_out(town: Town, word: str) -> None:
    assert town.app.get(f"/search/{word}/all.json").json["results"] == []


def test_the_files_themselves_are_as_they_were_released(town: Town) -> None:
    answered = town.app.get(links.download_path(town.slug))
    made = zipfile.ZipFile(io.BytesIO(answered.body))
    [table] = [name for name in made.namelist() if name.endswith(".csv") and "/" in name]
    assert "[email address]" in table
    assert made.read(table) == TABLE
