"""What pictures and figures tell of a request's course and of an authority's answers."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
import time_machine
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework, deadlines
from foi.archive.models import Body, InfoRequest
from foi.pages import charts
from foi.pages.statistics import AMONG, Span, Times
from tests.conftest import add_body, add_request

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _summer() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def at(day: date) -> datetime:
    """Give noon of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def ask(db: Session, body: Body, day: date, title: str = "Lamp posts") -> InfoRequest:
    """Let somebody ask on a day."""
    return add_request(db, body, title, sent_at=at(day))


def write(db: Session, request: InfoRequest, day: date, purpose: str = "response") -> None:
    """Let a letter come or go on a day."""
    incoming = purpose == "response"
    casework.correspond(
        db,
        request,
        f"body:{request.body_id}",
        direction="response" if incoming else "request",
        purpose=purpose,
        text="Twelve.",
        sent_at=at(day),
    )
    db.flush()


def end(db: Session, request: InfoRequest, state: str = "successful") -> None:
    """Describe how a request ended."""
    casework.classify(db, request, "import", state)
    db.flush()


def figures(web: webtest.TestApp, body: Body) -> dict:
    """Give an authority's figures as its JSON has them."""
    return web.get(f"/body/{body.url_name}.json").json["statistics"]


def picture(web: webtest.TestApp, request: InfoRequest) -> ElementTree.Element:
    """Give the picture of a request's course."""
    page = web.get(f"/request/{request.url_title}").text
    found = re.search(r'<svg class="course" width="100%".*?</svg>(?=\n<figcaption>)', page, re.S)
    assert found is not None
    return ElementTree.fromstring(found.group())


def words(svg: ElementTree.Element) -> list[str]:
    """Give the words that stand in a picture, but not its signs."""
    return [text.text or "" for text in svg.iter("text") if text.get("class") != "sign"]


def test_an_answer_counts_the_working_days_of_the_law(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    request = ask(db, body, date(2026, 4, 1))  # Easter lies between: 3 and 6 April do not count
    write(db, request, date(2026, 4, 9))
    end(db, request)
    times = figures(web, body)["response_times"]
    assert times["median"] == 4
    assert (times["unit"], times["limit"]) == ("working days", 20)
    assert times["distribution"][0] == {"from": 0, "to": 5, "count": 1}
    assert times["by_year"] == [{"year": 2026, "answered": 1, "in_time": 1, "median": 4}]


@pytest.mark.parametrize(("late", "in_time"), [(0, 1), (1, 0)])
def test_the_due_day_itself_is_in_time(
    web: webtest.TestApp, db: Session, late: int, in_time: int
) -> None:
    body = add_body(db)
    day = date(2026, 2, 2)
    request = ask(db, body, day)
    write(db, request, deadlines.due("GB", day).due_on + timedelta(days=late))
    end(db, request, "rejected")
    times = figures(web, body)["response_times"]
    assert (times["answered_in_time"], times["answered_late"]) == (in_time, late)
    assert times["share_in_time"] == in_time


def test_a_letter_after_a_review_was_asked_for_is_not_the_answer(
    web: webtest.TestApp, db: Session
) -> None:
    body = add_body(db)
    request = ask(db, body, date(2026, 1, 12))
    write(db, request, date(2026, 1, 13))  # an acknowledgement
    write(db, request, date(2026, 1, 26))
    write(db, request, date(2026, 1, 27), "internal_review")
    write(db, request, date(2026, 3, 30))
    end(db, request, "partially_successful")
    times = figures(web, body)["response_times"]
    assert (times["median"], times["answered_in_time"]) == (10, 1)


def test_days_count_across_the_turn_of_the_year(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    asked, answered = date(2025, 12, 22), date(2026, 1, 9)
    request = ask(db, body, asked)
    write(db, request, answered)
    end(db, request)
    days = sum(
        deadlines.is_working_day("GB", asked + timedelta(days=n))
        for n in range(1, (answered - asked).days + 1)
    )
    assert figures(web, body)["response_times"]["median"] == days


def test_what_is_overdue_counts_against_the_share(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    for title in ("One", "Two"):
        request = ask(db, body, date(2026, 5, 1), title)
        write(db, request, date(2026, 5, 8))
        end(db, request)
    ask(db, body, date(2026, 4, 1), "Three")
    ask(db, body, date(2026, 6, 26), "Four")  # not due yet
    told = figures(web, body)
    assert told["response_times"]["share_in_time"] == round(2 / 3, 4)
    assert told["response_times"]["overdue"] == 1
    assert {o["calculated_state"]: o["count"] for o in told["outcomes"]} == {
        "successful": 2,
        "waiting_response": 1,
        "waiting_response_very_overdue": 1,
    }
    assert told["requests"] == 4


def test_hidden_requests_do_not_count(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    request = ask(db, body, date(2026, 5, 1))
    write(db, request, date(2026, 5, 8))
    end(db, request)
    casework.hide(db, request, "desk", reason="Private.")
    db.flush()
    told = figures(web, body)
    assert (told["requests"], told["outcomes"]) == (0, [])
    assert told["response_times"]["answered_in_time"] == 0


def test_figures_and_info_agree(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    for number, state in enumerate(("successful", "not_held", "partially_successful", "rejected")):
        request = ask(db, body, date(2026, 5, 1), f"Request {number}")
        write(db, request, date(2026, 5, 8))
        end(db, request, state)
    late = ask(db, body, date(2026, 4, 1), "Late")
    described = ask(db, body, date(2026, 4, 1), "Answered, not described")
    write(db, described, date(2026, 4, 8))
    data = web.get(f"/body/{body.url_name}.json").json
    assert late.described_state == "waiting_response"
    assert data["info"] == {
        "requests_count": 6,
        "requests_successful_count": 2,
        "requests_not_held_count": 1,
        "requests_overdue_count": 1,
        "requests_visible_classified_count": 5,
    }
    assert sum(o["count"] for o in data["statistics"]["outcomes"]) == 6


def test_times_are_those_of_the_newest_requests(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    old = ask(db, body, date(2020, 5, 1), "Old")
    write(db, old, date(2020, 12, 1))
    end(db, old)
    for number in range(AMONG):
        request = ask(db, body, date(2025 + number % 2, 5, 1), f"New {number}")
        write(db, request, date(2025 + number % 2, 5, 12))
        end(db, request)
    told = figures(web, body)
    assert told["requests"] == AMONG + 1
    assert told["response_times"]["answered_late"] == 0
    # Of 2025 there may have been more than were looked at.
    assert [year["year"] for year in told["response_times"]["by_year"]] == [2026]


def test_the_page_says_the_figures_in_words_and_as_tables(
    web: webtest.TestApp, db: Session
) -> None:
    body = add_body(db)
    request = ask(db, body, date(2026, 4, 1))
    write(db, request, date(2026, 4, 9))
    end(db, request)
    page = web.get(f"/body/{body.url_name}").html
    shown = " ".join(page.select_one(".figures").get_text(" ").split())
    assert "Successful 1" in shown
    assert "100% answered in time" in shown
    assert "half of the answers came within 4 working days" in shown
    rows = [
        [cell.get_text() for cell in row.select("th, td")]
        for row in page.select(".figures table tr")
    ]
    assert ["0 to 5", "1"] in rows
    assert ["2026", "1", "1", "4"] in rows


def test_an_authority_without_requests_has_no_charts(web: webtest.TestApp, db: Session) -> None:
    body = add_body(db)
    assert "figures" not in web.get(f"/body/{body.url_name}").text
    assert figures(web, body)["response_times"]["share_in_time"] is None


def test_bars_and_columns_are_wellformed_and_true_to_their_numbers() -> None:
    bar = ElementTree.fromstring(charts.bar(0.25, "success"))
    assert [(r.get("class"), r.get("width")) for r in bar] == [
        ("ground", "100%"),
        ("success", "25.0%"),
    ]
    parts = ElementTree.fromstring(
        charts.stacked(((3, "success"), (0, "overdue"), (1, "refused")))
    )
    assert [(r.get("x"), r.get("width")) for r in parts] == [
        ("0.00%", "75.00%"),
        ("75.00%", "25.00%"),
    ]
    spans = (Span(0, 5, 4), Span(6, 20, 2), Span(21, None, 1))
    times = Times("working days", 20, AMONG, 6, 1, 0, 4, spans, ())
    columns = ElementTree.fromstring(charts.columns(times))
    heights = {r.get("class"): [] for r in columns.iter("rect")}
    for column in columns.iter("rect"):
        heights[column.get("class")].append(int(column.get("height", "0")))
    assert heights == {"awaiting": [120, 60], "overdue": [30]}
    assert [t.text for t in columns.iter("text")] == ["4", "0–5", "2", "6–20", "1", "21+"]
    assert ElementTree.fromstring(charts.stacked(())) is not None


def test_a_waiting_request_shows_both_limits_and_today(web: webtest.TestApp, db: Session) -> None:
    request = ask(db, add_body(db), date(2026, 6, 10))
    svg = picture(web, request)
    due = deadlines.due("GB", date(2026, 6, 10))
    said = words(svg)
    assert f"due {due.due_on.day} Jul 2026" in said
    assert f"long overdue after {due.very_overdue_on.day} Aug 2026" in said
    assert "today" in said
    assert svg.get("role") == "img"
    assert "1 letter to the authority" in (svg.get("aria-label") or "")


def test_an_answered_request_shows_neither_today_nor_what_never_mattered(
    web: webtest.TestApp, db: Session
) -> None:
    request = ask(db, add_body(db), date(2026, 4, 1))
    write(db, request, date(2026, 4, 9))
    end(db, request)
    svg = picture(web, request)
    assert not {"today"} & set(words(svg))
    assert not [said for said in words(svg) if said.startswith("long overdue")]
    zones = {rect.get("class") for rect in svg.iter("rect")}
    assert zones == {"line", "in-time", "response"}


def test_a_late_answer_shows_where_it_was_late(web: webtest.TestApp, db: Session) -> None:
    request = ask(db, add_body(db), date(2026, 1, 5))
    write(db, request, date(2026, 5, 20))
    end(db, request)
    zones = [rect.get("class") for rect in picture(web, request).iter("rect")]
    assert zones[:4] == ["line", "in-time", "late", "very-late"]


def test_each_step_stands_in_words_and_leads_to_its_letter(
    web: webtest.TestApp, db: Session
) -> None:
    request = ask(db, add_body(db), date(2026, 1, 12))
    write(db, request, date(2026, 1, 26))
    write(db, request, date(2026, 1, 27), "internal_review")
    write(db, request, date(2026, 1, 28), "clarification")
    end(db, request, "internal_review")
    page = web.get(f"/request/{request.url_title}").html
    steps = [" ".join(li.get_text().split()) for li in page.select(".timeline ol li")]
    assert steps[0] == "12 January 2026: asked"
    assert "26 January 2026: the authority wrote" in steps
    assert "27 January 2026: asked for an internal review" in steps
    assert "28 January 2026: explained the request" in steps
    assert any("described as: Awaiting internal review" in step for step in steps)
    for link in page.select(".timeline ol a"):
        assert page.select_one(str(link["href"])) is not None


def test_marks_and_labels_stay_within_the_picture(web: webtest.TestApp, db: Session) -> None:
    request = ask(db, add_body(db), date(2026, 1, 12))
    for day in range(1, 28):
        write(db, request, date(2026, 2, day))
    svg = picture(web, request)
    height = int(svg.get("height", "0"))
    for part in svg.iter():
        for name in ("x", "x1", "x2"):
            if (part.get(name) or "").endswith("%"):
                assert 0 <= float(part.get(name, "").rstrip("%")) <= 100
        if part.tag == "text" and part.get("x"):
            assert 0 < float(part.get("y", "0")) < height


def test_a_request_asked_today_and_nothing_known_still_has_a_picture(
    web: webtest.TestApp, db: Session
) -> None:
    request = ask(db, add_body(db), NOW.date())
    request.due_on = request.very_overdue_on = request.day_zero = None
    end(db, request, "user_withdrawn")
    assert words(picture(web, request)) == ["30 Jun 2026"]
