"""Pages and their JSON: the correspondence in order, states in words, members as Alaveteli names
them, lists to their last item, and a bounded number of statements for each.
"""

import re
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
import time_machine
import webtest
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Body, InfoRequest
from foi.pages import html, prose
from tests.conftest import Running, add_body, add_person, add_request, key_for
from tests.pages.scene import EVIL, PDF, Scene, answer, file, furnish, statements


@pytest.fixture
def scene(shared: Running, db: Session) -> Scene:
    return furnish(shared.site, db)


EVENT = {
    "id", "event_type", "created_at", "described_state", "calculated_state", "last_described_at",
    "incoming_message_id", "outgoing_message_id", "comment_id",
}  # fmt: skip
REQUEST = {
    "id", "url_title", "title", "created_at", "updated_at", "described_state", "display_status",
    "awaiting_description", "prominence", "law_used", "tags",
}  # fmt: skip
BODY = {
    "id", "url_name", "name", "short_name", "created_at", "updated_at", "home_page", "notes",
    "publication_scheme", "disclosure_log", "tags", "info",
}  # fmt: skip
INFO = {
    "requests_count", "requests_successful_count", "requests_not_held_count",
    "requests_overdue_count", "requests_visible_classified_count",
}  # fmt: skip


class TestMembers:
    """What Alaveteli's JSON has is there under its name and in its form."""

    def test_of_a_request(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get(f"/request/{scene.request.url_title}.json").json
        assert set(data) >= REQUEST | {"user", "public_body", "info_request_events"}
        assert "user_name" not in data
        assert data["tags"][0] == ["lamps", None]
        assert data["display_status"] == "Partially successful"
        assert data["described_state"] == "partially_successful"
        assert data["awaiting_description"] is False
        assert data["created_at"] == "2026-03-02T10:00:00.000Z"
        assert data["user"]["url_name"] == scene.person.url_name
        assert data["public_body"]["url_name"] == scene.body.url_name
        events = data["info_request_events"]
        assert [e["event_type"] for e in events] == [
            "sent",
            "response",
            "status_update",
            "comment",
        ]
        for event in events:
            assert set(event) >= EVENT
            has_message = event["incoming_message_id"] or event["outgoing_message_id"]
            assert ("display_status" in event) == bool(has_message)
            assert "params" not in event

    def test_times_have_the_offset_of_the_sites_zone(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        made = add_request(db, at=datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=UTC))
        data = web.get(f"/request/{made.url_title}.json").json
        assert data["created_at"] == "2026-07-01T13:30:15.123+01:00"

    def test_of_an_external_request(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get(f"/request/{scene.anonymous.url_title}.json").json
        assert data["user_name"] == EVIL
        assert data["user"] == {"name": EVIL}

    def test_of_an_authority(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get(f"/body/{scene.body.url_name}.json").json
        assert set(data) >= BODY
        assert set(data["info"]) == INFO
        assert data["info"]["requests_count"] == 2
        assert data["info"]["requests_successful_count"] == 1
        assert "foi@fenby.test" not in str(data)
        assert data["tags"][0] == ["council", None]

    def test_of_a_person(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get(f"/user/{scene.person.url_name}.json").json
        assert set(data) >= {"id", "url_name", "name", "ban_text", "about_me"}

    def test_of_a_feed(self, web: webtest.TestApp, scene: Scene) -> None:
        for entry in web.get(f"/feed/body/{scene.body.url_name}.json").json:
            assert set(entry) >= EVENT | {"snippet", "info_request", "public_body", "user"}
            assert set(entry["info_request"]) >= REQUEST
        feed = web.get("/feed/list.json").json
        external = [e for e in feed if e["info_request"]["id"] == scene.anonymous.id]
        assert [e["user"] for e in external] == [{"name": EVIL}]


class TestRequestPage:
    def test_messages_stand_in_the_order_in_which_they_arrived(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked, person = add_request(db), add_person(db, "Cy Noter")
        texts = []
        for number in range(4):
            text = f"Letter number {number}."
            early = datetime(2025, 12, 28 - number, tzinfo=UTC)  # what it says of itself
            answer(db, asked, text, sent_at=early)
            note = f"Note number {number}."
            casework.annotate(db, asked, person, note)
            texts += [text, note]
        db.flush()
        page = web.get(f"/request/{asked.url_title}").text
        assert sorted(texts, key=page.index) == texts
        data = web.get(f"/request/{asked.url_title}.json").json
        assert [m["text"] for m in data["messages"][1:]] == texts[::2]
        assert [c["text"] for c in data["comments"]] == texts[1::2]

    def test_a_message_shows_when_it_was_sent_in_words_of_the_sites_zone(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db, at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
        page = web.get(f"/request/{asked.url_title}")
        assert "1 July 2026" in page
        assert "30 June 2026" not in page

    def test_what_is_not_known_is_said_not_to_be(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, text=None, dated=False, state=None)
        page = web.get(f"/request/{asked.url_title}")
        assert "State not known" in page
        assert "not known" in page.html.article.get_text()
        data = web.get(f"/request/{asked.url_title}.json").json
        assert data["messages"][0]["text"] is None
        assert data["messages"][0]["sent_at"] is None
        assert data["due_on"] is None
        for path in ("/feed/list", f"/feed/request/{asked.url_title}", "/list"):
            web.get(path)

    @pytest.mark.parametrize(
        ("days", "label"),
        [
            (0, "Awaiting response"),
            (29, "Awaiting response"),
            (30, "Delayed"),
            (120, "Long overdue"),
        ],
    )
    def test_its_state_is_said_in_words(
        self, web: webtest.TestApp, db: Session, days: int, label: str
    ) -> None:
        start = datetime(2026, 3, 2, 12, tzinfo=UTC)
        asked = add_request(db, at=start)  # due on 31 March
        with time_machine.travel(start + timedelta(days=days), tick=False):
            assert label in web.get(f"/request/{asked.url_title}")
            assert web.get(f"/request/{asked.url_title}.json").json["display_status"] == label
            assert label in web.get("/list")

    def test_private_addresses_and_numbers_are_masked_everywhere(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        private = "ada@private.test or 07700 900123"
        person = casework.add_person(db, "import", name="Ada Fenn", about=f"Ask {private}")
        asked = add_request(
            db, title=f"For {private}", text=f"Reach me at {private}.", external_user_name=private
        )
        answer(db, asked, f"Dear {private}")
        casework.annotate(db, asked, person, f"Call {private}")
        db.flush()
        slug = asked.url_title
        for path in (f"/request/{slug}", f"/request/{slug}.json", f"/feed/request/{slug}",
                     f"/feed/request/{slug}.json", "/list", "/list.json", "/feed/list", "/events",
                     "/events.json", "/", "/user/ada_fenn", "/user/ada_fenn.json"):  # fmt: skip
            answered = web.get(path)
            assert "ada@private.test" not in answered, path
            assert "900123" not in answered, path


class TestEscaping:
    """Text is text: whatever it holds, it is never markup."""

    PATHS = (
        "/", "/list", "/body/list", "/body/{body}", "/user/{person}", "/request/{request}",
        "/request/{anonymous}", "/events",
    )  # fmt: skip

    @pytest.mark.parametrize("path", PATHS)
    def test_nothing_in_a_page_runs(self, web: webtest.TestApp, scene: Scene, path: str) -> None:
        page = web.get(
            path.format(
                body=scene.body.url_name,
                person=scene.person.url_name,
                request=scene.request.url_title,
                anonymous=scene.anonymous.url_title,
            )
        )
        assert "<script>alert" not in page
        assert not [s for s in page.html.find_all("script") if not s.get("src")]
        assert "alert('x')" in page.html.get_text() or path == "/list"
        for link in page.html.find_all(href=True):
            assert not re.match(r"\s*(javascript|data|vbscript):", link["href"], re.IGNORECASE)
        for element in page.html.find_all():
            assert not [name for name in element.attrs if name.lower().startswith("on")]

    def test_a_hidden_requests_reason_is_text(self, web: webtest.TestApp, scene: Scene) -> None:
        page = web.get(f"/request/{scene.hidden.url_title}", status=403)
        assert "<script>alert" not in page
        assert "alert('x')" in page.html.get_text()

    @pytest.mark.parametrize(
        "path",
        [
            "/%3Cscript%3Ealert(1)%3C/script%3E",
            "/search/%3Cscript%3Ealert(1)",
            "/body/list/%3Cscript%3Ealert(1)",
        ],
    )
    def test_an_address_is_text(self, app: webtest.TestApp, path: str) -> None:
        assert "<script>alert" not in app.get(path, expect_errors=True)

    def test_links_in_letters_lead_to_the_web_only(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        text = (
            "See https://fenby.test/a?b=1&c=2. Or javascript:alert(1), data:text/html,x, "
            'HTTP://FENBY.TEST/B) and http://x.test/"onmouseover=alert(1) http://<b>x</b>'
        )
        asked = add_request(db, text=text)
        page = web.get(f"/request/{asked.url_title}")
        letter = page.html.find(class_="letter")
        assert [a["href"] for a in letter.find_all("a")] == [
            "https://fenby.test/a?b=1&c=2",
            "HTTP://FENBY.TEST/B",
            "http://x.test/",
        ]
        assert all("nofollow" in a["rel"] for a in letter.find_all("a"))

    @pytest.mark.parametrize(
        "address",
        ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
         "//fenby.test", "/list", "http:", "http://", "http://[", "ftp://a.test/", "", None,
         "java\nscript:alert(1)", "mailto:a@b.test"],
    )  # fmt: skip
    def test_only_web_addresses_are_links(self, address: str | None) -> None:
        assert html.web_link(address) == ""
        assert html.web_link("https://fenby.test/1") == "https://fenby.test/1"


def test_quoted_replies_are_folded_and_nothing_is_lost() -> None:
    text = "New.\n\n> a\n> b\n> <c>\n\nMore.\n--- Original Message ---\nOld & <b>"
    folded = prose.folded(text)
    assert folded.count("<details") == 2
    for word in ("New.", "&lt;c&gt;", "More.", "Old &amp; &lt;b&gt;"):
        assert word in folded


@pytest.mark.parametrize(
    "size",
    [
        "x" * 400_000,
        "> a\n" * 100_000,
        "http://" * 50_000,
        "\n \t" * 100_000,
        "a@" * 100_000,
        "<" * 200_000,
    ],
)
def test_no_letter_takes_long_to_show(size: str) -> None:
    began = datetime.now(UTC)
    prose.folded(size)
    prose.first_words(size)
    assert datetime.now(UTC) - began < timedelta(seconds=3)


_MAILED = st.lists(
    st.sampled_from(
        [
            "-",
            "--",
            "----- original message -----",
            "FROM: ",
            "von: x",
            "Gesendet: y",
            "Sent: z",
            "_" * 20,
            "> quoted",
            ">",
            "\n",
            " ",
            "*",
            "Dear Council,",
            "\u017f",
            "\u212a",
        ]
    ),
    max_size=14,
).map("".join)


@hypothesis.given(_MAILED)
def test_what_has_no_sign_of_a_quotation_has_none(text: str) -> None:
    if not any(sign in text.lower() for sign in prose._SIGNS):
        assert not prose._QUOTED.search(text)
        assert not prose._QUOTE_LINES.search(text)
    assert ("Dear Council" in text) == ("Dear Council" in prose.folded(text))


def walk(web: webtest.TestApp, path: str, member: str) -> list[int]:
    """Follow a JSON list to its end and give the ids met."""
    met = []
    while path:
        data = web.get(path).json
        met += [each["id"] for each in data[member]]
        path = data["links"].get("next", "").removeprefix("http://foi.test")
    return met


class TestLists:
    def test_every_request_is_met_once_while_others_are_added(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        body = add_body(db)
        same = datetime(2026, 1, 1, tzinfo=UTC)  # imports bring many of one moment
        ids = {add_request(db, body, f"Matter {n}", at=same).id for n in range(40)}
        ids |= {add_request(db, body, f"Other {n}").id for n in range(23)}
        for start in ("/list.json", f"/body/{body.url_name}.json"):
            met: list[int] = []
            path = start
            while path:
                data = web.get(path).json
                assert len(data["requests"]) <= 25
                met += [each["id"] for each in data["requests"]]
                path = data["links"].get("next", "").removeprefix("http://foi.test")
                add_request(db, body, "Added meanwhile")
            assert len(met) == len(set(met))
            assert ids <= set(met)
            ids = set(walk(web, "/list.json", "requests"))

    def test_pages_lead_to_the_last_one_and_back(self, web: webtest.TestApp, db: Session) -> None:
        body = add_body(db)
        for number in range(51):
            add_request(db, body, f"Matter {number}")
        page, met = web.get("/list"), 0
        for _ in range(2):
            met += len(page.html.select(".line-title"))
            page = page.click("Older")
        assert met + len(page.html.select(".line-title")) == 51
        assert not page.html.find("a", rel="next")
        assert page.click("Newest").request.path_qs == "/list"

    def test_exactly_one_page_has_no_next(self, web: webtest.TestApp, db: Session) -> None:
        body = add_body(db)
        for number in range(25):
            add_request(db, body, f"Matter {number}")
        assert "next" not in web.get("/list.json").json["links"]

    def test_views_hold_what_they_say(self, web: webtest.TestApp, db: Session) -> None:
        body = add_body(db)
        states = ["successful", "partially_successful", "rejected", "not_held", "waiting_response",
                  "waiting_clarification", "internal_review", "gone_postal", "error_message",
                  "requires_admin", "user_withdrawn"]  # fmt: skip
        for state in states:
            casework.classify(db, add_request(db, body, f"Matter {state}"), "desk", state)
        answer(db, add_request(db, body, "Matter unclassified"))
        late = add_request(db, body, "Matter late", at=datetime(2020, 1, 1, tzinfo=UTC))
        db.flush()

        def held(view: str, base: str = "/list") -> set[str]:
            found = web.get(f"{base}/{view}.json").json["requests"]
            return {each["title"].removeprefix("Matter ") for each in found}

        for base in ("/list", f"/body/{body.url_name}"):
            assert held("successful", base) == {"successful", "partially_successful"}
            assert held("unsuccessful", base) == {"rejected", "not_held"}
            assert held("awaiting", base) == {*states[4:10], "unclassified", "late"}
            assert held("overdue", base) == {"late"}
        info = web.get(f"/body/{body.url_name}.json").json["info"]
        assert info == {
            "requests_count": 13,
            "requests_successful_count": 2,
            "requests_not_held_count": 1,
            "requests_overdue_count": 1,
            "requests_visible_classified_count": 12,
        }
        assert late.id in {
            e["info_request"]["id"] for e in web.get("/feed/list/overdue.json").json
        }


class TestAuthorities:
    def test_they_stand_from_a_to_z_whatever_their_accents(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        for name in ("Zeta", "école", "Eagle", "Über", "alpha", "2nd Office", "Ealing"):
            add_body(db, name)
        names = [b["name"] for b in web.get("/body/list.json").json["public_bodies"]]
        assert names == ["2nd Office", "alpha", "Eagle", "Ealing", "école", "Über", "Zeta"]
        of_e = [b["name"] for b in web.get("/body/list/e.json").json["public_bodies"]]
        assert of_e == ["Eagle", "Ealing", "école"]
        assert web.get("/body/list/E.json").json["public_bodies"]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("council", {"A", "B"}),
            ("url", {"B"}),
            ("url:https://fenby.test/a.b", {"B"}),
            ("url:https://other.test", set()),
            ("Council", set()),
            ("%25", set()),
            ("cou_cil", set()),
        ],
    )
    def test_by_tag(self, web: webtest.TestApp, db: Session, asked: str, found: set[str]) -> None:
        add_body(db, "A", tag_texts=["council"])
        add_body(db, "B", tag_texts=["council", "url:https://fenby.test/a.b"])
        path = f"/body/list/{asked.replace('/', '%2F')}.json"
        if not found and asked != "%25":  # one sign is a beginning, not a tag
            assert web.get(path, status=404).json == {"errors": ["Nothing here has that tag."]}
            return
        assert {b["name"] for b in web.get(path).json["public_bodies"]} == found

    def test_every_one_is_met_once_while_others_are_added(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        for number in range(210):
            add_body(db, "Same Name" if number % 2 else f"Council {number}")
        ids = set(walk(web, "/body/list.json", "public_bodies"))
        met, path = [], "/body/list.json"
        while path:
            data = web.get(path).json
            met += [each["id"] for each in data["public_bodies"]]
            path = data["links"].get("next", "").removeprefix("http://foi.test")
            add_body(db, "Aaa")
        assert len(met) == len(set(met)) >= 210
        assert ids <= set(met)
        page = web.get("/body/list").click("More").click("More")
        assert not page.html.find("a", rel="next")


class TestLog:
    """/events.json?since: everything public in the order of its numbers, without gaps."""

    def follow(self, web: webtest.TestApp, limit: int) -> list[int]:
        met: list[int] = []
        since = 0
        while True:
            data = web.get(f"/events.json?since={since}&limit={limit}").json
            met += [e["id"] for e in data["events"]]
            assert data["since"] >= since
            if not data["events"] and data["since"] == data["newest"]:
                return met
            since = data["since"]

    def test_a_follower_misses_nothing_and_meets_nothing_twice(
        self, web: webtest.TestApp, scene: Scene, db: Session
    ) -> None:
        whole = [e["id"] for e in web.get("/events.json?since=0&limit=1000").json["events"]]
        assert whole == sorted(set(whole))
        for limit in (1, 2, 3, 7, 100):
            assert self.follow(web, limit) == whole
        newest = web.get("/events.json").json["newest"]
        answer(db, scene.request, "Later.")
        later = web.get(f"/events.json?since={newest}").json["events"]
        assert [e["event_type"] for e in later] == ["response"]

    def test_what_the_public_may_not_see_is_passed_by(
        self, web: webtest.TestApp, shared: Running, db: Session
    ) -> None:
        body = add_body(db)
        for _ in range(5):
            casework.rotate_key(db, body, "desk")
        db.flush()
        data = web.get("/events.json?since=0&limit=2").json
        assert [e["event_type"] for e in data["events"]] == ["body_added"]
        assert data["since"] == data["newest"]
        assert key_for(shared.site, body) not in str(data)

    def test_a_place_beyond_the_newest_is_kept(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get("/events.json?since=999999").json
        assert data["events"] == []
        assert data["since"] == 999999

    def test_the_limit_is_limited(self, web: webtest.TestApp, scene: Scene) -> None:
        assert len(web.get("/events.json?limit=0").json["events"]) == 1
        web.get("/events.json?limit=999999999999999999")

    def test_the_next_call_is_linked(self, web: webtest.TestApp, scene: Scene) -> None:
        data = web.get("/events.json?since=0&limit=2").json
        following = web.get(data["links"]["next"].removeprefix("http://foi.test")).json
        assert following["events"][0]["id"] > data["events"][-1]["id"]

    def test_it_counts_by_record_not_by_date(self, web: webtest.TestApp, db: Session) -> None:
        newest = web.get("/events.json").json["newest"]
        old = add_request(db, at=datetime(1999, 1, 1, tzinfo=UTC))
        [_, event] = web.get(f"/events.json?since={newest}").json["events"]
        assert event["info_request"]["id"] == old.id
        assert event["created_at"].startswith("1999-01-01")
        assert event["recorded_at"] > "2026"


class TestStatements:
    """How much a page asks of the database does not grow with what it shows."""

    def count(self, web: webtest.TestApp, shared: Running, db: Session, path: str) -> int:
        web.get(path)
        with statements(shared.site.engine, db) as seen:
            web.get(path)
        return len(seen)

    def fill(self, shared: Running, db: Session, body: Body, number: int) -> InfoRequest:
        """Make requests of many people, the first with many messages, files and annotations."""
        for index in range(number):
            asked = add_request(
                db, body, f"Matter {index}", person=add_person(db, f"Person {index}"),
                tag_texts=[f"t{index}"],
            )  # fmt: skip
            answer(db, asked)
            if not index:
                first = asked
        attached = file(shared.site, PDF, "a.pdf")
        for index in range(number):
            answer(db, first, f"Answer {index}", files=[attached], state="successful")
            casework.annotate(db, first, add_person(db, f"Noter {index}"), "Note.")
        db.flush()
        return first

    def test_more_of_everything_costs_no_more_statements(
        self, web: webtest.TestApp, shared: Running, db: Session
    ) -> None:
        few, many = add_body(db, "Few"), add_body(db, "Many")
        small = self.fill(shared, db, few, 3)
        before = {path: self.count(web, shared, db, path) for path in self.paths(few, small)}
        large = self.fill(shared, db, many, 24)
        after = {path: self.count(web, shared, db, path) for path in self.paths(many, large)}
        for path, few_cost, many_cost in zip(after, before.values(), after.values(), strict=True):
            assert many_cost <= few_cost, path
        assert max(after.values()) <= 14, after

    def paths(self, body: Body, asked: InfoRequest) -> list[str]:
        pages = ["/list", f"/body/{body.url_name}", f"/request/{asked.url_title}", "/body/list"]
        feeds = ["/feed/list", f"/feed/body/{body.url_name}", f"/feed/request/{asked.url_title}"]
        log = ["/", "/events", "/events.json?since=0", "/feed/events"]
        return [*pages, *(f"{p}.json" for p in pages), *feeds, *(f"{f}.json" for f in feeds), *log]
