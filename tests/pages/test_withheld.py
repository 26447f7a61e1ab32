"""What is hidden or erased is nowhere: on no page, in no JSON, feed, list, log or file."""

from collections.abc import Iterator
from typing import Any

import pytest
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Annotation, InfoRequest, Message
from tests.conftest import Running, add_body, add_person, add_request
from tests.pages.scene import PDF, answer, attachment_url, attachments, build_index, file


class Case:
    """A request with all it can have, each part with a word of its own."""

    def __init__(self, web: webtest.TestApp, running: Running, db: Session) -> None:
        self.web, self.db, self.running = web, db, running
        self.body = add_body(db, "Fenby Town Council")
        self.person = add_person(db, "Ada Fenn")
        self.annotator = add_person(db, "Cy Noter")
        self.request: InfoRequest = add_request(
            db, self.body, "Titleword lamps", text="Askword?", person=self.person
        )
        self.slug = self.request.url_title
        files = [file(running.site, PDF, "fileword.pdf"), file(running.site, PDF, "otherword.pdf")]
        self.answer: Message = answer(db, self.request, "Answerword.", files=files)
        casework.classify(db, self.request, "desk", "successful", message=self.answer)
        self.annotation: Annotation = casework.annotate(
            db, self.request, self.annotator, "Noteword."
        )
        db.flush()
        self.files = attachments(db, self.answer)

    def everywhere(self) -> Iterator[tuple[str, Any]]:
        """Give the answer of every address that could tell of the request."""
        pages = ["/", "/events", "/list", "/list/successful", f"/body/{self.body.url_name}",
                 f"/user/{self.person.url_name}", f"/user/{self.annotator.url_name}",
                 f"/request/{self.slug}"]  # fmt: skip
        for page in pages:
            for path in (page, f"{page}.json", f"/feed{page}", f"/feed{page}.json"):
                if path not in ("/.json", "/feed/", "/feed/.json"):
                    yield path, self.web.get(path, expect_errors=True)
        yield "/events.json?since=0", self.web.get("/events.json?since=0&limit=1000")

    def telling(self, *words: str) -> list[tuple[str, str]]:
        """Give the words that stand anywhere, each with its address."""
        self.db.flush()
        return [
            (word, path)
            for path, answered in self.everywhere()
            for word in words
            if word.lower() in answered.text.lower()
        ]


@pytest.fixture
def case(web: webtest.TestApp, shared: Running, db: Session) -> Case:
    return Case(web, shared, db)


WORDS = ("Titleword", "Askword", "Answerword", "fileword", "Noteword")


def test_what_is_public_is_told(case: Case) -> None:
    told = case.telling(*WORDS)
    for word in WORDS:
        assert (word, f"/feed/request/{case.slug}") in told


class TestHiddenRequest:
    @pytest.fixture(params=["hidden", "requester_only"])
    def hidden(self, case: Case, request: pytest.FixtureRequest) -> Case:
        casework.hide(
            case.db, case.request, "desk", prominence=request.param, reason="Reasonword."
        )
        case.db.flush()
        return case

    def test_nothing_tells_of_it(self, hidden: Case) -> None:
        hidden.slug = "another"  # its own address is not told by others
        assert hidden.telling(*WORDS) == []

    @pytest.mark.parametrize("prefix", ["", "/feed"])
    @pytest.mark.parametrize("suffix", ["", ".json"])
    def test_its_own_address_says_why(self, hidden: Case, prefix: str, suffix: str) -> None:
        answered = hidden.web.get(f"{prefix}/request/{hidden.slug}{suffix}", status=403)
        assert "Reasonword." in answered
        assert "Askword" not in answered
        if suffix:
            assert answered.json == {"errors": ["This request is not shown. Reasonword."]}

    def test_its_number_and_former_name_do_not_give_away_its_title(self, hidden: Case) -> None:
        number = hidden.request.id
        casework.edit_request(hidden.db, hidden.request, "desk", title="Newtitle words")
        hidden.db.flush()
        for name in (number, hidden.slug):
            for path in (f"/request/{name}", f"/request/{name}.json", f"/feed/request/{name}"):
                answered = hidden.web.get(path, status=403)
                assert "newtitle" not in (answered.text + str(answered.headers)).lower()

    def test_its_files_are_refused(self, hidden: Case) -> None:
        for each in hidden.files:
            answered = hidden.web.get(attachment_url(hidden.request, each), status=403)
            assert "Reasonword." in answered
            number = attachment_url(hidden.request, each).replace(
                hidden.slug, str(hidden.request.id)
            )
            hidden.web.get(number, status=403)

    def test_its_events_lead_nowhere(self, hidden: Case) -> None:
        for event in hidden.web.get("/events.json?since=0&limit=1000").json["events"]:
            answered = hidden.web.get(f"/request_event/{event['id']}", status=404)
            assert "titleword" not in answered.text.lower()

    def test_the_log_says_that_something_is_gone_so_that_mirrors_can_follow(
        self, hidden: Case
    ) -> None:
        [last] = [
            e
            for e in hidden.web.get("/events.json?since=0&limit=1000").json["events"]
            if e["event_type"] == "hide"
        ]
        assert f"Request {hidden.request.id}: something was hidden" in hidden.web.get("/events")
        assert "info_request" not in last

    def test_shown_again_it_is_everywhere_again(self, hidden: Case) -> None:
        casework.release(hidden.db, hidden.request, "desk")
        assert ("Titleword", "/feed/list") in hidden.telling("Titleword")
        hidden.web.get(attachment_url(hidden.request, hidden.files[0]))


class TestBackpage:
    """Readable by whoever has the address, in no list and no feed but its own, not crawled."""

    @pytest.fixture
    def back(self, case: Case) -> Case:
        casework.hide(case.db, case.request, "desk", prominence="backpage")
        case.db.flush()
        return case

    def test_only_its_own_addresses_tell_of_it(self, back: Case) -> None:
        assert [told for told in back.telling(*WORDS) if back.slug not in told[1]] == []

    def test_it_can_be_read_but_not_by_crawlers(self, back: Case) -> None:
        for path in (
            f"/request/{back.slug}",
            f"/request/{back.slug}.json",
            f"/feed/request/{back.slug}",
        ):
            answered = back.web.get(path)
            assert "Answerword" in answered
            assert answered.headers["X-Robots-Tag"] == "noindex"
        page = back.web.get(f"/request/{back.slug}")
        assert page.html.find("meta", attrs={"name": "robots"})["content"] == "noindex"
        back.web.get(attachment_url(back.request, back.files[0]))

    def test_its_number_leads_to_it(self, back: Case) -> None:
        assert back.web.get(f"/request/{back.request.id}", status=301).location.endswith(back.slug)


class TestHiddenMessage:
    def test_only_the_reason_is_told(self, case: Case) -> None:
        casework.hide(case.db, case.answer, "desk", reason="Messagereason.")
        assert case.telling("Answerword", "fileword", "otherword") == []
        page = case.web.get(f"/request/{case.slug}")
        assert "Messagereason." in page
        assert page.html.find(id=f"incoming-{case.answer.id}")
        message = case.web.get(f"/request/{case.slug}.json").json["messages"][1]
        assert message["withheld"] == "Messagereason."
        assert message["text"] is None
        assert message["attachments"] == []

    def test_its_files_are_refused(self, case: Case) -> None:
        paths = [attachment_url(case.request, each) for each in case.files]
        casework.hide(case.db, case.answer, "desk", reason="Messagereason.")
        case.db.flush()
        for path in paths:
            assert "Messagereason." in case.web.get(path, status=403)

    def test_it_leaves_the_feeds(self, case: Case) -> None:
        casework.hide(case.db, case.answer, "desk")
        case.db.flush()
        for path in (f"/feed/request/{case.slug}.json", "/feed/list.json"):
            kinds = [entry["event_type"] for entry in case.web.get(path).json]
            assert kinds == ["comment", "sent"]

    def test_page_and_feed_agree_on_what_the_others_were_described_as(self, case: Case) -> None:
        asked = add_request(case.db, case.body, "Another matter")
        answer(case.db, asked, "First answer.")
        casework.hide(case.db, answer(case.db, asked, "Second answer."), "desk")
        casework.classify(case.db, asked, "desk", "rejected")
        case.db.flush()
        page = case.web.get(f"/request/{asked.url_title}.json").json
        of_page = {e["id"]: e["calculated_state"] for e in page["info_request_events"]}
        feed = case.web.get(f"/feed/request/{asked.url_title}.json").json
        assert len(feed) == 2
        for entry in feed:
            assert of_page[entry["id"]] == entry["calculated_state"]


class TestHiddenAttachment:
    def test_only_the_reason_is_told(self, case: Case) -> None:
        [first, second] = [attachment_url(case.request, each) for each in case.files]
        casework.hide(case.db, case.files[0], "desk", reason="Filereason.")
        assert case.telling("fileword") == []
        assert "Filereason." in case.web.get(f"/request/{case.slug}")
        [shown, other] = case.web.get(f"/request/{case.slug}.json").json["messages"][1][
            "attachments"
        ]
        assert set(shown) == {"id", "number", "withheld"}
        assert other["filename"] == "otherword.pdf"
        assert "Filereason." in case.web.get(first, status=403)
        case.web.get(second)
        feed = case.web.get(f"/feed/request/{case.slug}.json").json
        assert [len(e["attachments"]) for e in feed] == [0, 2, 0]


class TestErased:
    def test_an_erased_attachment_is_gone(self, case: Case) -> None:
        path = attachment_url(case.request, case.files[0])
        casework.erase(case.db, case.files[0], "desk", reason="Erasereason.")
        assert case.telling("fileword") == []
        assert "Erasereason." in case.web.get(path, status=410)
        assert "Erasereason." in case.web.get(f"/request/{case.slug}")

    def test_an_erased_message_is_gone_with_its_files(self, case: Case) -> None:
        paths = [attachment_url(case.request, each) for each in case.files]
        casework.erase(case.db, case.answer, "desk", reason="Erasereason.")
        assert case.telling("Answerword", "fileword", "otherword") == []
        for path in paths:
            assert "Erasereason." in case.web.get(path, status=410)
        assert "Erasereason." in case.web.get(f"/request/{case.slug}")

    def test_an_erased_annotation_is_gone(self, case: Case) -> None:
        casework.erase(case.db, case.annotation, "desk", reason="Erasereason.")
        assert case.telling("Noteword") == []
        assert case.web.get(f"/request/{case.slug}.json").json["comments"] == []

    @pytest.mark.parametrize("way", ["hide", "erase"])
    def test_a_withheld_annotation_does_not_name_its_author(self, case: Case, way: str) -> None:
        getattr(casework, way)(case.db, case.annotation, "desk")
        case.db.flush()
        for path in ("/events", "/events.json?since=0", f"/request/{case.slug}", "/feed/events"):
            answered = case.web.get(path)
            assert "annotation by Cy Noter" not in answered
            assert "Noteword" not in answered


def test_reasons_are_masked_like_other_texts(case: Case) -> None:
    casework.hide(case.db, case.request, "desk", reason="Ask ada@fenby.test, 07700 900123.")
    case.db.flush()
    answered = case.web.get(f"/request/{case.slug}", status=403)
    assert "ada@fenby.test" not in answered
    assert "07700" not in answered


def test_a_search_whose_index_lags_behind_tells_nothing_of_what_is_hidden(
    app: webtest.TestApp, running: Running
) -> None:
    with running.site.sessions.writing() as db:
        shown = add_request(db, title="Titleword lamps")
        number = shown.id
    build_index(running.site)
    assert "Titleword" in app.get("/search/titleword/all")
    with running.site.sessions.writing() as db:
        casework.hide(db, db.get_one(InfoRequest, number), "desk")
    for path in ("/search/titleword/all.json", "/feed/search/titleword.json"):
        assert "Titleword" not in app.get(path)
    assert "Titleword lamps" not in app.get("/search/titleword/all")
