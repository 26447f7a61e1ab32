"""Slugs: Alaveteli's rule, and that whatever text comes a usable address leaves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive.casework import names
from foi.archive.slugs import RESERVED, numbered, slug
from tests.conftest import add_body, add_request


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Lamp posts in Mill Lane", "lamp_posts_in_mill_lane"),
        ("  Lamp -- posts!? ", "lamp_posts"),
        ("Städte & Gemeinden: Straße", "stadte_gemeinden_strasse"),
        ("Ærø Łódź Þingvellir", "aero_lodz_thingvellir"),
        ("Школа", "request"),
        ("Школа № 5", "no_5"),
        ("東京都", "request"),
        ("2024", "request"),
        ("", "request"),
        ("___", "request"),
        ("../../etc/passwd", "etcpasswd"),
        ("a\u3000b\u00a0c\td", "a_b_c_d"),
        ("İstanbul ĳ", "istanbul_ij"),
    ],
)
def test_known_texts(text: str, made: str) -> None:
    assert slug(text, "request") == made


@given(st.text(), st.none() | st.integers(7, 40))
def test_every_text_makes_a_slug_that_an_address_can_hold(text: str, limit: int | None) -> None:
    made = slug(text, "request", limit)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", made)
    assert not made.isdigit()
    assert made == "request" or limit is None or len(made) <= limit
    assert slug(made, "request", limit) == made


@given(st.sets(st.sampled_from([f"lamp_{n}" for n in range(2, 9)] + ["lamp"])))
def test_the_first_free_number_is_taken(taken: set[str]) -> None:
    made = numbered("lamp", taken)
    assert made not in taken
    smaller = ["lamp", *(f"lamp_{n}" for n in range(2, 12))]
    assert set(smaller[: smaller.index(made)]) <= taken


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_never_given_out(word: str) -> None:
    assert numbered(word, set()) == f"{word}_2"


def test_what_begins_alike_is_not_taken_for_taken(db: Session) -> None:
    for title in ("Lamp", "Lamp posts", "Lamps", "Lamp 3", "Lamp 20"):
        add_request(db, add_body(db, title), title=title)
    assert names.free_slug(db, "request", "Lamp") == "lamp_2"
    assert names.free_slug(db, "request", "Lamp posts") == "lamp_posts_2"
    assert names.free_slug(db, "request", "La") == "la"
    assert names.free_slug(db, "body", "lamp") == "lamp_2"
    assert names.free_slug(db, "person", "Lamp") == "lamp"


def test_a_long_title_is_cut_before_it_is_numbered(db: Session) -> None:
    titles = ["Lamp posts in Mill Lane and elsewhere", "Lamp posts in Mill Lane and everywhere"]
    first, second = (add_request(db, add_body(db, t), title=t).url_title for t in titles)
    assert (first, second) == (
        "lamp_posts_in_mill_lane_and_else",
        "lamp_posts_in_mill_lane_and_ever",
    )
    again = add_request(db, title=titles[0]).url_title
    assert again == "lamp_posts_in_mill_lane_and_else_2"
