"""What is sent compressed: what is as long as the archive, while it is read."""

import gzip
import random
from collections.abc import Iterator

import pytest
import webob
from hypothesis import given
from hypothesis import strategies as st

from foi.pages.packing import packed
from tests.pages.scene import Town, open_town

STREAMED = ("/list.csv", "/body/list.csv", "/body/all-authorities.csv", "/sitemap/bodies-0.xml")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


@pytest.mark.parametrize("path", STREAMED)
def test_a_whole_list_is_sent_compressed_to_those_who_take_it_so(town: Town, path: str) -> None:
    def get(**headers: str) -> webob.Response:  # not WebTest's, which unpacks what it gets
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        return webob.Request.blank(path, headers=asked).get_response(town.app.app)

    plain, small = get(Accept_Encoding="br, gzip;q=0"), get(Accept_Encoding="gzip, deflate, br")
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert plain.headers["Vary"] == small.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["Content-Type"] == small.headers["Content-Type"]
    again = get(Accept_Encoding="gzip", If_None_Match=small.headers["ETag"])
    assert (again.status_int, again.body) == (304, b"")
    assert "Content-Encoding" not in again.headers


@given(st.lists(st.binary(max_size=5000)))
def test_all_of_it_comes_back_however_it_was_cut(pieces: list[bytes]) -> None:
    assert gzip.decompress(b"".join(packed(pieces))) == b"".join(pieces)


def test_it_is_not_gathered_first() -> None:
    taken = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield random.Random(number).randbytes(50_000)

    sent = packed(pieces())
    assert len(next(sent)) + len(next(sent)) > 10
    assert len(taken) < 5
