"""Requests and answers of which nobody knows when they were sent: no page makes a day up."""

import re
from datetime import UTC, datetime

import pytest
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import InfoRequest
from tests.conftest import add_body, add_request
from tests.pages.scene import answer


@pytest.fixture
def undated(db: Session) -> InfoRequest:
    """A request from somewhere, answered; it came here just now."""
    ada = casework.add_person(db, "import", name="Ada Fenn")
    request = add_request(db, add_body(db, "Fenby"), "Old bins", person=ada, dated=False)
    answer(db, request, "Twelve bins.", dated=False)
    db.flush()
    return request


@pytest.mark.parametrize("path", ["/request/old_bins", "/list", "/body/fenby", "/user/ada_fenn"])
def test_no_day_is_told(web: webtest.TestApp, undated: InfoRequest, path: str) -> None:
    page = web.get(path)
    (told,) = [
        p for p in re.findall(r"<p class=.*?</p>", page.text, re.S) if "(date not known)" in p
    ]
    assert "<time" not in told


def test_there_is_no_picture_of_its_course(web: webtest.TestApp, undated: InfoRequest) -> None:
    assert "<figure" not in web.get("/request/old_bins")


class TestFrontPage:
    def test_what_has_no_date_is_not_the_newest(
        self, web: webtest.TestApp, db: Session, undated: InfoRequest
    ) -> None:
        dated = add_request(
            db, undated.body, "Lamp posts", at=datetime(2019, 5, 1, 12, tzinfo=UTC)
        )
        answer(db, dated, "Seven lamps.", at=datetime(2019, 5, 9, 12, tzinfo=UTC))
        page = web.get("/")
        assert "Lamp posts" in page
        assert "Seven lamps." in page
        assert "Old bins" not in page
        assert ">2 requests</a>" in page
        assert [each["title"] for each in web.get("/list.json").json["requests"]] == [
            "Old bins",
            "Lamp posts",
        ]

    def test_it_says_so_when_nothing_has_a_date(
        self, web: webtest.TestApp, undated: InfoRequest
    ) -> None:
        page = web.get("/")
        assert "No request of a known date is here yet." in page
        assert "No answer of a known date has come yet." in page
        assert ">1 request</a>" in page
