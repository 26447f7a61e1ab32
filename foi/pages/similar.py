"""Requests like one request: those that have the most of the words that set it apart.

The words come from its title and its first letter, weighed by how rare they are in the index; the
rest is a search like any other. Given up: requests that are like only in their attachments.
"""

from typing import Any

from pyramid.request import Request

from foi.archive import reading
from foi.pages import found, links, requests
from foi.pages.page import Page
from foi.problems import Problem
from foi.search.engine import Kind, SearchEngine, SearchUnavailable
from foi.search.query import Filter, Node, Word
from foi.search.tree import Not, conjunction, disjunction
from foi.site import site_of

SHOWN = 10
"""As many as Alaveteli shows."""
_WORDS = 12
_LEAST = 0.2
"""The share of the best one's score that others must reach."""
_TITLE = 3
"""How many times a word of the title counts as one of the letter does."""


def page(request: Request) -> Page:
    """Similar requests, the most similar first."""
    site, subject = site_of(request), requests.find(request)
    words, tree = _like(request, subject)
    hits = found.find(request, tree, kind=Kind.REQUESTS, limit=SHOWN, collapse=True)
    alike = [hit for hit in hits.list if hit.score >= _LEAST * hits.list[0].score]
    results = found.results(request.db, site, alike)
    path = f"{links.request_path(subject.row.url_title)}/similar"
    return Page(
        title=f"Requests similar to “{subject.title}”",
        path=path,
        scopes=("search", "requests", "bodies", "people"),
        template="similar.jinja2",
        data={
            "request": site.url(subject.path),
            "words": words,
            "results": [found.result_members(site, result) for result in results],
        },
        shows={"subject": subject, "words": words, "results": results},
        searchable=False,
    )


def _like(request: Request, subject: Any) -> tuple[tuple[str, ...], Node | None]:
    """Give the words that set a request apart, and the query for others that have them."""
    engine: SearchEngine = request.registry["foi.search"]
    letters = reading.correspondence(request.db, subject.row.id)
    first = next((each.text for each in letters if each.text), "")
    try:
        words = engine.telling_words(f"{subject.title}\n" * _TITLE + (first or ""), _WORDS)
    except SearchUnavailable as why:
        raise Problem(503, f"The search cannot answer at the moment: {why}") from None
    alike = disjunction(Word(word) for word in words)
    if alike is None:
        return words, None
    return words, conjunction((alike, Not(Filter("request", subject.row.url_title))))
