"""Whatever is typed into the search box is answered, and soon."""

import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.pages.scene import Town, open_town

_PIECES = st.sampled_from(
    ["lamp", "posts", "the", " ", "AND", "OR", "NOT", "XOR", "(", ")", '"', "-", "+", "*", ":",
     "..", "tag:", "status:overdue", "due:today", "due:", "2024..", "31/02/2024..", "lam*", "“",
     "/", "\\", "%", "\x00", "\ud800", "\u0301", "漢字", "request:", "requested_from:", "'",
     "x" * 70]
)  # fmt: skip
_TYPED = st.one_of(
    st.text(min_size=1, max_size=200),
    st.lists(_PIECES, min_size=1, max_size=60).map(" ".join),
    st.lists(_PIECES, min_size=1, max_size=60).map("".join),
    st.tuples(_PIECES, st.integers(1, 10_000)).map(lambda pair: (pair[0] * pair[1])[:10_000]),
)
_FORMS = st.sampled_from(
    ["/search?query={}", "/search.json?query={}", "/feed/search?query={}", "/search/{}/all",
     "/search/{}/requests/newest.json", "/request/search_ahead?q={}",
     "/search/lamp?request_date_after={}",
     "/body/search_ahead.json?query={}", "/search/lamp/requests.json?latest_status[]={}",
     "/search/lamp?page={}", "/search/lamp/all/newest?before={}"]
)  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


@pytest.mark.deeper
@settings(max_examples=examples(300), deadline=None)
@given(_TYPED, _FORMS)
@example("(" * 10_000, "/search.json?query={}")
@example('"' + "the lamp of the posts " * 450, "/search.json?query={}")
@example("lamp OR " * 1250, "/search/{}/all")
@example("e\u0301" * 5000, "/search?query={}")
@example("-" * 9999 + "a", "/search.json?query={}")
def test_nothing_typed_fails_or_takes_a_second(town: Town, typed: str, form: str) -> None:
    path = form.format(quote(typed.encode("utf-8", "surrogatepass"), safe=""))
    start = time.process_time()
    answered = town.app.get(path, expect_errors=True)
    assert answered.status_code < 500, typed
    assert time.process_time() - start < 1.0
    if answered.status_code == 302:
        assert answered.location.startswith("http://foi.test/search/")
        assert town.app.get(answered.location, expect_errors=True).status_code < 500
