"""Attachments as pages: what they hold can be read without any program, and can do no harm."""

import html
import os
from typing import Any

import html5lib
import pytest
import webtest
from alembic import command

from foi import migrations
from foi.archive import casework
from foi.archive.models import Attachment, FileView, InfoRequest
from foi.pages import links
from foi.site import Site
from foi.work.texts import TextsConsumer
from foi.work.worker import drain
from tests.archive.test_conversion import word
from tests.archive.test_text import paragraph, pdf
from tests.conftest import add_request
from tests.pages.scene import PAGE, SVG, answer, attachments, file

EMAIL = (
    b"From: Ada Fenn <ada@fenby.test>\r\nTo: foi@fenby.test\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nSubject: Lamps\r\n\r\n"
    b"Twelve.\r\n\r\n> How many\r\n> lamps are\r\n> there?\r\n"
)


class Desk:
    """Attaches files to answers and reads them as the public does."""

    def __init__(self, app: webtest.TestApp, site: Site) -> None:
        self.app, self.site = app, site
        with site.sessions.writing() as db:
            self.request_id = add_request(db).id

    def attach(self, content: bytes, name: str, *, read: bool = True) -> str:
        """Attach a file to a new answer and give the path of its view, before or after the
        worker has seen it.
        """
        with self.site.sessions.writing() as db:
            request = db.get_one(InfoRequest, self.request_id)
            message = answer(db, request, files=[file(self.site, content, name)])
            [made] = attachments(db, message)
            slug = request.url_title
            path = links.attachment_view_path(slug, made.message_id, made.number, made.name)
        if read:
            drain(self.site)
        return path

    def view(self, content: bytes, name: str) -> Any:
        """Attach a file and give the page on which it can be read; its HTML is flawless."""
        page = self.app.get(self.attach(content, name))
        html5lib.HTMLParser(strict=True).parse(page.body, transport_encoding="utf-8")
        assert not page.html.select("script, iframe, object, embed, style, form[action^=http]")
        return page


def shown(page: Any) -> str:
    """Give the text of what the file holds, its blanks evened out."""
    [part] = page.html.select(".document")
    return " ".join(part.get_text(" ").split())


@pytest.fixture
def desk(app: webtest.TestApp, site: Site) -> Desk:
    return Desk(app, site)


class TestWhatCanBeRead:
    def test_a_plain_text(self, desk: Desk) -> None:
        page = desk.view(b"First line\nsecond <line>\n\nhttps://fenby.test/a\n", "note.txt")
        assert shown(page) == "First line second <line> https://fenby.test/a"
        assert page.html.select('.document a[href="https://fenby.test/a"]')

    def test_an_email_with_its_headers_and_what_it_quotes_folded(self, desk: Desk) -> None:
        page = desk.view(EMAIL, "letter.eml")
        assert "From: Ada Fenn <[email address]>" in shown(page)
        assert "Subject: Lamps" in shown(page)
        [quoted] = page.html.select(".document details")
        assert "lamps are" in quoted.get_text()

    def test_a_table_of_values(self, desk: Desk) -> None:
        page = desk.view(b'Street;Lamps\n"Mill Lane; north";12\n=SUM(A1);3\n', "lamps.csv")
        rows = [
            [cell.get_text() for cell in row.select("th, td")]
            for row in page.html.select(".document tr")
        ]
        assert rows == [["Street", "Lamps"], ["Mill Lane; north", "12"], ["=SUM(A1)", "3"]]
        assert [cell["scope"] for cell in page.html.select(".document th")] == ["col", "col"]

    def test_a_word_document(self, desk: Desk) -> None:
        page = desk.view(word(paragraph("There are twelve.")), "reply.docx")
        assert shown(page) == "There are twelve."
        assert "What is not here" not in page

    def test_rich_text(self, desk: Desk) -> None:
        page = desk.view(rb"{\rtf1\ansi There are {\b twelve}.\par}", "reply.rtf")
        assert shown(page) == "There are twelve ."
        assert page.html.select(".document strong")

    def test_the_text_of_a_pdf_which_itself_opens_in_the_browser(self, desk: Desk) -> None:
        page = desk.view(pdf("There are twelve"), "reply.pdf")
        assert shown(page) == "There are twelve"
        opened = page.click("Open the PDF")
        assert opened.content_type == "application/pdf"
        assert opened.headers["Content-Disposition"].startswith("inline;")

    @pytest.mark.parametrize("name", ["a.png", "a.gif"])
    def test_a_picture(self, desk: Desk, name: str) -> None:
        data = b"\x89PNG\r\n\x1a\n" if name == "a.png" else b"GIF89a"
        page = desk.view(data + b"\x00" * 30, name)
        [picture] = page.html.select("main img")
        assert desk.app.get(picture["src"]).content_type == f"image/{name[2:]}"
        assert picture["alt"]

    def test_where_it_belongs_and_by_what_it_can_be_checked(self, desk: Desk) -> None:
        page = desk.view(b"a,b\n1,2\n", "lamps.csv")
        assert page.html.h1.get_text() == "lamps.csv"
        assert page.click("Download the file").body == b"a,b\n1,2\n"
        back = page.html.select('main p a[href*="#incoming-"]')[0]["href"]
        path, _, anchor = back.partition("#")
        assert desk.app.get(path).html.find(id=anchor)
        with desk.site.sessions.reading() as db:
            assert db.query(Attachment).one().sha256 in page
        assert "CSV, 8 bytes" in page

    def test_as_json(self, desk: Desk) -> None:
        path = desk.attach(b"a,b\n1,ada@fenby.test\n", "lamps.csv")
        data = desk.app.get(f"{path}.json").json
        assert (data["filename"], data["text_state"], data["view_state"]) == (
            "lamps.csv", "text", "html",
        )  # fmt: skip
        assert "<td>[email address]</td>" in data["view"]
        assert "[email address]" in data["text"]
        assert data["links"]["html"] == f"http://foi.test{path}"


class TestHostileHtml:
    def test_nothing_runs_and_nothing_is_fetched(self, desk: Desk) -> None:
        hostile = (
            b"<!doctype html><html><head><title>T</title><link rel=stylesheet href=//evil.test/x>"
            b"<meta http-equiv=refresh content='0;url=//evil.test'><style>*{display:none}</style>"
            b"<base href=//evil.test></head><body onload=alert(1)><h1 id=main>Lamps</h1>"
            b"<img src=https://evil.test/pixel.gif><script>alert(1)</script>"
            b"<a href='javascript:alert(1)'>run</a> <a href=https://good.test/>good</a>"
            b"<a href='mailto:ada@fenby.test'>write</a><a href=/relative>near</a>"
            b"<iframe src=//evil.test></iframe><svg onload=alert(1)><title>x</title></svg>"
            b"<form action=//evil.test><input name=a></form><p style='color:red'>Red</p>"
            b"<p hidden>Unseen</p><div style='DISPLAY : none'>Unseen</div><p>Seen &lt;b&gt;</p>"
        )
        page = desk.view(hostile, "page.html")
        assert "evil.test" not in page
        assert "alert" not in page
        assert "Unseen" not in page
        assert "mailto:" not in page
        assert shown(page) == "Lamps run good write near Red Seen <b>"
        [part] = page.html.select(".document")
        assert not part.select("[id], [style], [onload], img, svg, input, meta, base, link")
        assert [a.get("href") for a in part.select("a[href]")] == ["https://good.test/"]
        assert "nofollow" in part.select("a[href]")[0]["rel"]
        assert [h.name for h in part.select("h1, h2")] == ["h2"]
        assert "1 picture left out" in page

    def test_a_page_of_nothing_but_scripts(self, desk: Desk) -> None:
        assert "cannot be shown here: there is no text in it" in desk.app.get(
            desk.attach(PAGE, "page.html")
        )

    def test_an_entity_is_text_and_stays_text(self, desk: Desk) -> None:
        page = desk.view(b"<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt; &quot;</p>", "a.html")
        assert shown(page) == '<script>alert(1)</script> &lt; "'


class TestMasks:
    @pytest.mark.parametrize(
        ("content", "name"),
        [
            (b"Write to ada@fenby.test or ring 07700 900123", "a.txt"),
            (b"name,address\nAda,ada@fenby.test\n", "a.csv"),
            (b"<p><b>ada</b>@<i>fenby</i>.test or 07700<b> 900</b>123</p>", "a.html"),
            (b"<table><tr><td>Mobile:</td><td>0131 496 0123</td></tr></table>", "a.html"),
            (
                b"<p>ada&#64;fenby.test <a href='https://x.test/?to=ada%40fenby.test'>x</a>",
                "a.html",
            ),
            (rb"{\rtf1\ansi ada@{\b fenby}.test\par}", "a.rtf"),
        ],
    )
    def test_addresses_and_numbers_are_taken_out_even_across_tags(
        self, desk: Desk, content: bytes, name: str
    ) -> None:
        path = desk.attach(content, name)
        for answered in (desk.app.get(path), desk.app.get(f"{path}.json")):
            text = html.unescape(answered.text)
            assert "[email address]" in text or "[mobile number]" in text
            for secret in ("fenby.test", "900123", "900</b>123", "496 0123", "%40fenby"):
                assert secret not in text


class TestWhyThereIsNone:
    @pytest.mark.parametrize(
        ("content", "name", "why"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old.doc", "older Word format"),
            (SVG, "drawing.svg", "text is not read from pictures"),
            (b"\x00\x01\x02\x03", "data.bin", "not read from files of the type"),
            (b"PK\x03\x04 word/", "broken.docx", "the file is damaged"),
            (b"", "empty.txt", "there is no text in it"),
        ],
    )
    def test_the_reason_is_told(self, desk: Desk, content: bytes, name: str, why: str) -> None:
        path = desk.attach(content, name)
        page = desk.app.get(path)
        assert why in page
        assert not page.html.select(".document")
        assert page.click("(Open|Download) the file").body == content

    def test_the_reason_is_in_the_json(self, desk: Desk) -> None:
        data = desk.app.get(desk.attach(b"\x00\x01\x02", "data.bin") + ".json").json
        assert data["text_state"] == "unsupported"
        assert "application/octet-stream" in data["text_reason"]
        assert data["view"] is None

    def test_a_view_that_failed_leaves_the_text(self, desk: Desk) -> None:
        path = desk.attach(word(paragraph("There are twelve.")), "reply.docx")
        with desk.site.sessions.writing() as db:
            db.query(FileView).update({"state": "failed", "html": "", "reason": "it is too odd"})
        page = desk.app.get(path)
        assert shown(page) == "There are twelve."
        assert "its text alone is shown, since it is too odd" in page

    def test_what_was_left_out_is_told(self, desk: Desk) -> None:
        rows = b"".join(b"%d,x\n" % number for number in range(1500))
        page = desk.view(b"n,letter\n" + rows, "long.csv")
        assert len(page.html.select(".document tr")) == 1000
        assert "the first 1,000 of 1,501 rows are shown" in page


class TestBeforeTheWorkerCame:
    def test_it_is_being_prepared_and_no_cache_keeps_that(self, desk: Desk) -> None:
        path = desk.attach(b"a,b\n1,2\n", "lamps.csv", read=False)
        early = desk.app.get(path)
        assert "being prepared" in early
        assert early.headers["X-Robots-Tag"] == "noindex"
        kept = {"If-None-Match": early.headers["ETag"]}
        assert desk.app.get(path, headers=kept, status=304)
        assert early.click("Load the page again").headers["ETag"] == early.headers["ETag"]
        drain(desk.site)
        ready = desk.app.get(path, headers=kept, status=200)
        assert "being prepared" not in ready
        assert ready.html.select(".document table")
        assert "X-Robots-Tag" not in ready.headers

    def test_a_file_that_was_read_by_an_older_release_is_converted(self, desk: Desk) -> None:
        path = desk.attach(b"a,b\n1,2\n", "lamps.csv")
        with desk.site.sessions.writing() as db:
            db.query(FileView).update({"version": 0, "html": "<p>old</p>"})
        assert shown(desk.app.get(path)) == "old"
        reader = next(c for c in desk.site.consumers.all if isinstance(c, TextsConsumer))
        reader.deliver([f"request:{desk.request_id}"])
        assert shown(desk.app.get(path)) == "a b 1 2"


def test_files_of_the_former_release_are_converted_after_the_upgrade(desk: Desk) -> None:
    path = desk.attach(b"a,b\n1,2\n", "lamps.csv")
    config = migrations._config()
    with desk.site.engine.execution_options(foi_writing=True).begin() as connection:
        config.attributes |= {"connection": connection, "settings": desk.site.settings}
        command.downgrade(config, "0001")
    migrations.upgrade(desk.site.engine, desk.site.settings)
    drain(desk.site)
    assert shown(desk.app.get(path)) == "a b 1 2"


class TestAddresses:
    def test_another_name_leads_to_the_right_one(self, desk: Desk) -> None:
        path = desk.attach(b"Hello", "right name.txt")
        place = path.rpartition("/")[0]
        assert path.endswith("/right%20name.txt.html")
        for suffix in ("", ".json"):
            moved = desk.app.get(f"{place}/wrong.html{suffix}", status=301)
            assert moved.location == f"http://foi.test{path}{suffix}"

    def test_numbers_and_former_names_of_the_request_lead_on(self, desk: Desk) -> None:
        path = desk.attach(b"Hello", "a.txt")
        with desk.site.sessions.writing() as db:
            request = db.get_one(InfoRequest, desk.request_id)
            former = request.url_title
            casework.edit_request(db, request, "desk", title="Another title")
        present = path.replace(former, "another_title")
        for name in (former, str(desk.request_id)):
            asked = path.replace(former, name)
            assert desk.app.get(asked, status=301).location == f"http://foi.test{present}"

    def test_what_is_no_attachment_is_no_page(self, desk: Desk) -> None:
        path = desk.attach(b"Hello", "a.txt")
        place, _, _ = path.rpartition("/")
        for wrong in (f"{place}/", place, place.rpartition("/")[0] + "/2/a.txt.html",
                      path.removesuffix(".html"), path.replace("/html/1", "/html/x")):  # fmt: skip
            desk.app.get(wrong, status=404)

    def test_what_is_hidden_or_erased_has_none(self, desk: Desk) -> None:
        path = desk.attach(b"Secretword", "a.txt")
        with desk.site.sessions.writing() as db:
            attachment = db.query(Attachment).one()
            casework.hide(db, attachment, "desk", reason="Names a child.")
        assert "Names a child." in desk.app.get(path, status=403)
        assert "Secretword" not in desk.app.get(f"{path}.json", status=403)
        with desk.site.sessions.writing() as db:
            casework.erase(db, db.query(Attachment).one(), "desk")
        assert "Secretword" not in desk.app.get(path, status=410)

    def test_the_view_goes_with_the_file(self, desk: Desk) -> None:
        desk.attach(b"a,b\n1,2\n", "lamps.csv")
        with desk.site.sessions.writing() as db:
            casework.erase(db, db.query(Attachment).one(), "desk")
        files = next(c for c in desk.site.consumers.all if c.name == "files")
        blob = next(desk.site.blobs.each())
        os.utime(desk.site.blobs.path(blob), (0, 0))
        files.deliver([f"file:{blob}"])
        with desk.site.sessions.reading() as db:
            assert db.query(FileView).count() == 0
