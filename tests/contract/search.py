"""What every search engine must do, whatever it is made of.

A module of tests derives a class from `SearchEngineContract` and gives it a fixture `open_engine`,
which opens the same index again and again, as other threads and processes would.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foi.search.engine import Attached, Document, Hits, SearchEngine, Sort
from foi.search.query import parse
from tests.conftest import examples
from tests.contract import search_by_reading as by_reading
from tests.contract.searching import START, TODAY, body, event, find, keys, person, put

Opener = Callable[[], SearchEngine]


class SearchEngineContract:
    """The tests of an engine."""

    @pytest.fixture
    def open_engine(self) -> Iterator[Opener]:
        """Give a function that opens the same, at first empty, index."""
        raise TypeError("an engine's tests give this fixture")

    @pytest.fixture
    def engine(self, open_engine: Opener) -> SearchEngine:
        """The engine under test."""
        return open_engine()

    # What is found

    @pytest.mark.parametrize(
        "where",
        [
            {"title": "Heron counts"},
            {"names": "Heron Trust"},
            {"text": "About the heron."},
            {"attachments": (Attached(1, "a.pdf", "One heron"),)},
            {"attachments": (Attached(1, "heron.pdf", ""),)},
        ],
    )
    def test_a_word_is_found_wherever_it_stands(
        self, engine: SearchEngine, where: dict[str, Any]
    ) -> None:
        put(engine, event(1, **where), event(2, 2, text="Nothing of the kind"))
        assert keys(engine, "heron") == ["event:1"]

    @pytest.mark.parametrize(
        ("written", "sought"),
        [
            ("Herons", "heron"),
            ("repairing roads", "road repairs"),
            ("HERON", "heron"),
            ("Café Zoë", "cafe zoe"),
            ("Cafe Zoe", "café zoë"),
            ("the council’s answer", "council's"),
            ("Straße", "strasse"),
            ("No. 4711", "4711"),
            ("reﬁt", "refit"),
        ],
    )
    def test_words_are_the_same_without_case_accents_and_endings(
        self, engine: SearchEngine, written: str, sought: str
    ) -> None:
        put(engine, event(1, text=f"Before {written} behind."))
        assert keys(engine, sought) == ["event:1"]

    def test_all_words_must_be_there_unless_said_otherwise(self, engine: SearchEngine) -> None:
        put(engine, event(1, 1, text="heron owl"), event(2, 2, text="heron"), event(3, 3))
        assert keys(engine, "heron owl") == ["event:1"]
        assert sorted(keys(engine, "heron OR owl")) == ["event:1", "event:2"]
        assert keys(engine, "heron -owl") == ["event:2"]
        assert keys(engine, "heron NOT owl") == ["event:2"]
        assert keys(engine, "owl OR (heron badger)") == ["event:1"]

    def test_a_phrase_is_found_in_its_order_and_within_one_part(
        self, engine: SearchEngine
    ) -> None:
        put(engine, event(1, 1, text="the right to know is a right"))
        put(engine, event(2, 2, text="know the right way to ask"))
        put(engine, event(3, 3, title="the right", text="to know"))
        assert keys(engine, '"right to know"') == ["event:1"]
        assert keys(engine, "right-to-know") == ["event:1"]

    def test_words_that_tell_little_do_not_exclude(self, engine: SearchEngine) -> None:
        put(engine, event(1, 1, text="minutes of meetings"), event(2, 2, text="IT contracts"))
        assert keys(engine, "the minutes for me") == ["event:1"]
        assert keys(engine, "IT contracts") == ["event:2"]
        assert keys(engine, "IT minutes") == []
        assert keys(engine, "of") == ["event:1"]

    @pytest.mark.parametrize(
        "filters",
        [
            {"state": "successful", "query": "status:successful"},
            {"latest_state": "rejected", "query": "latest_status:rejected"},
            {"variety": "response", "query": "variety:response"},
            {"body": "fenby_council", "query": "requested_from:fenby_council"},
            {"requester": "ada_fenn", "query": "requested_by:Ada_Fenn"},
            {"commenter": "ada_fenn", "query": "commented_by:ada_fenn"},
            {"request": "herons", "query": "request:herons"},
            {"filetypes": ("pdf", "docx"), "query": "filetype:docx"},
            {"tags": ("birds",), "query": "tag:birds"},
            {"tags": ("charity:12:34",), "query": "tag:charity:12:34"},
            {"tags": ("charity:12:34",), "query": "tag:charity"},
            {"body_tags": ("water body",), "query": 'request_public_body_tag:"water body"'},
        ],
    )
    def test_filters_are_exact(self, engine: SearchEngine, filters: dict[str, Any]) -> None:
        query = filters.pop("query")
        put(engine, event(1, 1, text="heron", **filters), event(2, 2, text="heron"))
        assert keys(engine, query) == ["event:1"]
        assert keys(engine, f"heron {query}") == ["event:1"]
        assert keys(engine, f"heron -{query}") == ["event:2"]
        assert keys(engine, f"{query}s") == []

    def test_a_prefix_given_twice_means_either(self, engine: SearchEngine) -> None:
        states = ("successful", "rejected", "not_held")
        put(engine, *(event(n, 1, state=state) for n, state in enumerate(states, 1)))
        found = keys(engine, "status:successful status:not_held", sort="newest")
        assert found == ["event:3", "event:1"]

    def test_dates_include_both_ends_and_may_be_open(self, engine: SearchEngine) -> None:
        put(engine, *(event(n) for n in range(1, 6)))
        assert keys(engine, "2024-01-03..04/01/2024", sort="newest") == ["event:3", "event:2"]
        assert keys(engine, "2024/01/05..", sort="newest") == ["event:5", "event:4"]
        assert keys(engine, "..2/1/2024") == ["event:1"]

    def test_kinds_are_told_apart(self, engine: SearchEngine) -> None:
        put(engine, event(1, text="fenn"), body(1, "Fenn Council"), person(1, "Ada Fenn"))
        assert sorted(keys(engine, "fenn")) == ["body:1", "event:1", "person:1"]
        assert keys(engine, "fenn", kind="requests") == ["event:1"]
        assert keys(engine, "fenn", kind="bodies") == ["body:1"]
        assert keys(engine, "fenn", kind="users") == ["person:1"]
        assert keys(engine, "variety:authority") == ["body:1"]
        assert keys(engine, "variety:user") == ["person:1"]

    @pytest.mark.parametrize("beginning", ["all", "allot", "allotm", "ALLOTMENT", "allotments"])
    def test_the_beginning_of_a_word_finds_it(self, engine: SearchEngine, beginning: str) -> None:
        put(engine, event(1, 1, text="Two allotments"), event(2, 2, text="herons in April"))
        put(engine, event(3, 3, attachments=(Attached(1, "a.pdf", "the Allotments Act"),)))
        assert sorted(keys(engine, f"{beginning}*")) == ["event:1", "event:3"]
        assert keys(engine, f"two {beginning}*") == ["event:1"]
        (hit, _) = find(engine, f"{beginning}*", sort="newest").list[::-1]
        assert hit.snippet == "Two <mark>allotments</mark>"

    def test_too_many_words_that_begin_so_are_cut_and_that_is_said(
        self, engine: SearchEngine
    ) -> None:
        put(engine, event(1, text=" ".join(f"abc{n}" for n in range(300))))
        hits = find(engine, "abc*")
        assert hits.total == 1
        assert "More than 100 words begin with “abc”" in hits.notes[0]
        assert find(engine, "abc29*").notes == ()

    def test_deadlines_are_found_by_their_days(self, engine: SearchEngine) -> None:
        put(engine, *(event(n, n, due_on=date(2024, 6, n)) for n in range(1, 4)), event(4, 4))
        assert keys(engine, "due:today") == ["event:1"]
        assert keys(engine, "due:2024-06-02..", sort="newest") == ["event:3", "event:2"]
        assert keys(engine, "due:..2024", sort="newest") == ["event:3", "event:2", "event:1"]
        assert keys(engine, "2024.. -due:..2024") == ["event:4"]

    def test_what_is_overdue_follows_from_the_day_of_the_search(
        self, engine: SearchEngine
    ) -> None:
        late = {"due_on": date(2024, 6, 1), "very_due_on": date(2024, 6, 8), "text": "heron"}
        put(
            engine,
            event(1, 1, latest_state="waiting_response", **late),
            event(2, 2, latest_state="successful", **late),
            event(3, 3, latest_state="waiting_classification", **late),
        )
        expected = {
            1: [[], [], []],
            2: [["event:1"], ["event:1"], []],
            8: [["event:1"], ["event:1"], []],
            9: [["event:1"], [], ["event:1"]],
        }
        names = ("overdue", "waiting_response_overdue", "waiting_response_very_overdue")
        for day, found in expected.items():
            for name, wanted in zip(names, found, strict=True):
                tree = parse(f"latest_status:{name}", date(2024, 6, day)).tree
                assert [hit.key for hit in engine.find(tree).list] == wanted, (day, name)
        assert keys(engine, "waiting_classification:yes") == ["event:3"]

    # In what order

    def test_titles_count_more_than_text_and_text_more_than_attachments(
        self, engine: SearchEngine
    ) -> None:
        rest = "lamps and benches in the park"
        put(engine, event(1, 1, title=rest, text=f"heron {rest}", names="Fenby"))
        put(engine, event(2, 2, title=f"heron {rest}", text=rest, names="Fenby"))
        put(
            engine,
            event(3, 3, title=rest, text=rest, attachments=(Attached(1, "a", "heron " + rest),)),
        )
        assert keys(engine, "heron") == ["event:2", "event:1", "event:3"]

    def test_rare_words_count_more_than_frequent_ones(self, engine: SearchEngine) -> None:
        put(engine, *(event(n, n, text="park bench") for n in range(1, 9)))
        put(engine, event(9, 9, text="heron lamp"))
        assert keys(engine, "park OR heron")[0] == "event:9"

    def test_the_order_can_be_by_date(self, engine: SearchEngine) -> None:
        late = START + timedelta(days=99)
        put(engine, event(1, 1, text="heron", described_at=late))
        put(engine, event(3, 3, text="heron heron"), event(2, 2, text="heron"))
        assert keys(engine, "heron", sort="newest") == ["event:3", "event:2", "event:1"]
        assert keys(engine, "heron", sort=Sort.DESCRIBED) == ["event:1", "event:3", "event:2"]

    @pytest.mark.parametrize("sort", list(Sort))
    def test_pages_make_up_the_whole(self, engine: SearchEngine, sort: Sort) -> None:
        put(engine, *(event(n, n % 7, text="heron") for n in range(1, 31)))
        whole = keys(engine, "heron", sort=sort, limit=100)
        assert len(whole) == 30
        pages = [
            keys(engine, "heron", sort=sort, limit=7, offset=at) for at in (0, 7, 14, 21, 28, 35)
        ]
        assert [key for page in pages for key in page] == whole
        assert find(engine, "heron", sort=sort, limit=7, offset=14).total == 30

    @pytest.mark.parametrize("collapse", [True, False])
    @pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.DESCRIBED])
    def test_orders_by_date_can_be_read_on_and_back_by_cursor(
        self, engine: SearchEngine, sort: Sort, collapse: bool
    ) -> None:
        moment = START + timedelta(days=3)  # of all of them: only the number tells them apart
        put(engine, *(event(n, n // 2, text="heron", happened_at=moment) for n in range(1, 24)))
        put(engine, body(5, "Heron"), person(5, "Heron"))
        how: dict[str, Any] = {"sort": sort, "collapse": collapse}
        whole = keys(engine, "heron", limit=100, **how)
        read, hits = [], find(engine, "heron", limit=4, **how)
        while hits.list:
            assert hits.before == len(read)
            read += [hit.key for hit in hits.list]
            last = hits.list
            hits = find(engine, "heron", limit=4, behind=last[-1].cursor, **how)
        assert read == whole
        back, place = [hit.key for hit in last], last[0].cursor
        while (hits := find(engine, "heron", limit=4, ahead=place, **how)).list:
            back = [hit.key for hit in hits.list] + back
            place = hits.list[0].cursor
            assert hits.before == len(whole) - len(back)
        assert back == whole

    def test_bare_hits_are_the_same_without_snippets(self, engine: SearchEngine) -> None:
        put(engine, event(1, 7, text="heron"), body(2, "Heron"), person(3, "Heron"))
        full, bare = find(engine, "heron").list, find(engine, "heron", bare=True).list
        told = [(hit.key, hit.owner, hit.cursor) for hit in bare]
        assert told == [(hit.key, hit.owner, hit.cursor) for hit in full]
        assert [hit.snippet for hit in bare] == ["", "", ""]

    # What it can be narrowed to

    @pytest.mark.parametrize("collapse", [True, False])
    def test_facets_count_what_narrowing_leaves(
        self, engine: SearchEngine, collapse: bool
    ) -> None:
        states = ("successful", "waiting_response", "waiting_response", "rejected")
        for n, state in enumerate(states, 1):
            common: dict[str, Any] = {"latest_state": state, "text": "heron"}
            common |= {"body": f"body_{n % 2}", "due_on": TODAY - timedelta(days=n - 2)}
            later = START + timedelta(days=400)
            put(
                engine,
                event(n, n, filetypes=("pdf", "csv"), **common),
                event(
                    n + 10, n, happened_at=later, day=later.date(), filetypes=("pdf",), **common
                ),
            )
        put(engine, body(9, "Heron Trust"), event(99, 99, text="owl", latest_state="rejected"))
        facets = find(engine, "heron", facets=TODAY, collapse=collapse).facets
        assert facets is not None
        assert [value for value, _ in facets["year"]] == ["2025", "2024"]
        prefixes = {"state": "latest_status:", "authority": "requested_from:", "year": "",
                    "filetype": "filetype:"}  # fmt: skip
        for facet, values in facets.items():
            assert values
            for value, count in values:
                by = f"{value}..{value}" if facet == "year" else prefixes[facet] + value
                hits = find(engine, f"heron {by}", kind="requests", collapse=collapse)
                assert hits.total == count, (facet, value)
        assert ("overdue", 1 if collapse else 2) in facets["state"]
        assert find(engine, "heron").facets is None

    # Other words

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [("allotmetn", "allotments"), ("repairz", "repairs"), ("librarees", "libraries"),
         ("alotments", "allotments"), ("hron", None), ("zzzzzz", None), ("allotments", None)],
    )  # fmt: skip
    def test_a_word_that_is_nowhere_is_corrected_by_the_index(
        self, engine: SearchEngine, typed: str, meant: str | None
    ) -> None:
        put(engine, event(1, title="Allotments", text="Repairs of libraries by the sea"))
        hits = find(engine, typed)
        assert dict(hits.better) == ({typed: meant} if meant else {})
        assert find(engine, f"sea {typed} tag:none").better == ()

    def test_the_words_that_set_a_text_apart(self, engine: SearchEngine) -> None:
        put(engine, *(event(n, n, text="the road and the lamp") for n in range(1, 20)))
        put(engine, event(30, 30, text="herons on the road"))
        told = engine.telling_words("A heron, the HERON, on a road with a badger 2024", 2)
        assert told[:1] == ("heron",)
        assert "badger" not in told
        assert engine.telling_words("", 5) == ()

    def test_hits_can_be_one_for_each_owner(self, engine: SearchEngine) -> None:
        put(engine, *(event(n, n % 3, text="heron") for n in range(1, 10)), body(1, "Heron"))
        hits = find(engine, "heron", sort="newest", collapse=True)
        assert [hit.owner for hit in hits.list] == [
            "request:0",
            "request:2",
            "request:1",
            "body:1",
        ]
        assert (hits.total, hits.exact) == (4, True)

    # What is shown

    def test_a_snippet_marks_the_words_and_escapes_the_rest(self, engine: SearchEngine) -> None:
        put(engine, event(1, text="<script>x</script> & a heron’s nest <b>" + " lamp" * 99))
        (hit,) = find(engine, "herons").list
        assert "&lt;script&gt;x&lt;/script&gt; &amp; a <mark>heron’s</mark> nest" in hit.snippet
        assert len(hit.snippet.striptags()) < 260
        assert hit.attachment is None

    def test_a_snippet_may_come_from_an_attachment(self, engine: SearchEngine) -> None:
        files = (
            Attached(1, "a.pdf", "lamps"),
            Attached(2, "b.pdf", "x " * 9999 + "a heron nests"),
        )
        put(engine, event(1, text="See the attached files.", attachments=files))
        (hit,) = find(engine, "heron").list
        assert hit.attachment == 2
        assert hit.snippet.endswith("a <mark>heron</mark> nests")

    def test_hits_say_what_they_are(self, engine: SearchEngine) -> None:
        put(engine, event(12, 7, text="heron"))
        (hit,) = find(engine, "heron").list
        assert (hit.key, hit.owner) == ("event:12", "request:7")
        assert hit.score > 0

    # Change

    def test_nothing_is_found_for_no_query_or_in_an_empty_index(
        self, engine: SearchEngine
    ) -> None:
        put(engine, event(1, text="heron"))
        assert engine.find(None) == Hits((), 0, True)
        engine.replace(["request:1"], [])
        assert engine.count() == 0
        assert find(engine, "heron") == Hits((), 0, True)

    def test_replacing_drops_what_the_owner_had_and_nothing_else(
        self, engine: SearchEngine
    ) -> None:
        put(
            engine,
            event(1, 1, text="heron"),
            event(2, 1, text="heron"),
            event(3, 11, text="heron"),
        )
        put(engine, event(2, 1, text="owl"))
        assert sorted(keys(engine, "heron")) == ["event:3"]
        assert keys(engine, "owl") == ["event:2"]
        assert engine.count() == 2
        put(engine, event(2, 1, text="owl"))
        assert engine.count() == 2

    def test_many_replacements_leave_exactly_the_last(self, engine: SearchEngine) -> None:
        for turn in range(25):
            put(engine, event(turn + 1, turn % 5, text=f"heron turn{turn}"))
        assert engine.count() == 5
        assert sorted(keys(engine, "heron")) == [f"event:{n}" for n in range(21, 26)]
        assert keys(engine, "turn3") == []
        assert keys(engine, "turn23") == ["event:24"]

    def test_others_see_what_was_written(self, engine: SearchEngine, open_engine: Opener) -> None:
        put(engine, event(1, text="heron"))
        other = open_engine()
        assert keys(other, "heron") == ["event:1"]
        put(other, event(2, 2, text="heron"))
        assert sorted(keys(engine, "heron")) == ["event:1", "event:2"]

    def test_searches_go_on_while_others_write(self, engine: SearchEngine) -> None:
        put(engine, *(event(n, n, text="heron " + "lamp " * n) for n in range(1, 40)))
        wrong: list[object] = []
        done = threading.Event()

        def search() -> None:
            while not done.is_set():
                try:
                    hits = find(engine, "heron lamp", limit=100)
                    if hits.total != 39 or len({hit.key for hit in hits.list}) != 39:
                        wrong.append(hits.total)
                except Exception as error:
                    wrong.append(error)

        threads = [threading.Thread(target=search) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(20):
            put(engine, event(turn + 1, turn + 1, text="heron lamp " * turn + "heron lamp"))
        done.set()
        for thread in threads:
            thread.join()
        assert wrong == []

    # Building anew

    def test_the_old_index_answers_until_the_new_one_is_whole(
        self, engine: SearchEngine, open_engine: Opener
    ) -> None:
        put(engine, event(1, text="heron"))
        other = open_engine()
        seen: list[object] = []

        def documents() -> Iterator[Document]:
            yield event(2, 2, text="heron")
            seen.append(keys(other, "heron"))
            put(other, event(3, 3, text="heron"))  # goes to the old index
            yield event(4, 4, text="heron")

        count = engine.rebuild(documents(), lambda: seen.append(sorted(keys(other, "heron"))))
        assert count == 2
        assert seen == [["event:1"], ["event:1", "event:3"]]
        assert sorted(keys(engine, "heron")) == sorted(keys(other, "heron"))
        assert sorted(keys(other, "heron")) == ["event:2", "event:4"]

    def test_what_waits_to_be_written_goes_to_the_new_index(
        self, engine: SearchEngine, open_engine: Opener
    ) -> None:
        put(engine, event(1, text="heron"))
        other = open_engine()
        late = threading.Thread(target=lambda: put(other, event(5, 5, text="heron")))
        engine.rebuild([event(2, 2, text="heron")], late.start)
        late.join()
        assert sorted(keys(engine, "heron")) == ["event:2", "event:5"]

    def test_a_rebuild_that_fails_changes_nothing(self, engine: SearchEngine) -> None:
        put(engine, event(1, text="heron"))

        def documents() -> Iterator[Document]:
            yield event(2, 2, text="heron")
            raise RuntimeError("the archive cannot be read")

        with pytest.raises(RuntimeError, match="archive"):
            engine.rebuild(documents())
        assert keys(engine, "heron") == ["event:1"]
        engine.rebuild([event(3, 3, text="heron")])
        assert keys(engine, "heron") == ["event:3"]

    def test_an_empty_site_has_an_empty_index(self, engine: SearchEngine) -> None:
        assert engine.rebuild([]) == 0
        assert engine.exists()
        assert engine.count() == 0
        assert find(engine, "heron").total == 0

    def test_what_was_closed_opens_again(self, engine: SearchEngine) -> None:
        put(engine, event(1, text="heron"))
        engine.close()
        assert keys(engine, "heron") == ["event:1"]

    # Anything at all

    @pytest.mark.deeper
    @settings(
        deadline=None,
        max_examples=examples(150),
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(st.text(max_size=80))
    def test_no_query_breaks_it(self, engine: SearchEngine, text: str) -> None:
        if not engine.exists():
            put(engine, event(1, text="heron"))
        hits = find(engine, text)
        assert 0 <= hits.total <= 1

    @settings(
        deadline=None,
        max_examples=25,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(st.data())
    def test_it_finds_what_reading_every_document_finds(
        self, engine: SearchEngine, data: st.DataObject
    ) -> None:
        library = data.draw(st.lists(by_reading.documents, max_size=12))
        documents = [event(n, n, **each) for n, each in enumerate(library, 1)]
        engine.rebuild(documents[:6])
        for start in range(6, len(documents), 2):
            put(engine, *documents[start : start + 2])
        for query in data.draw(st.lists(by_reading.queries, min_size=1, max_size=6)):
            tree = parse(query).tree
            expected = sorted(
                each.key for each in documents if tree and by_reading.matches(tree, each)
            )
            for sort in Sort:
                assert sorted(keys(engine, query, sort=sort, limit=50)) == expected
