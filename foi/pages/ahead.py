"""What is found while somebody still types: a few requests or authorities, as a piece of a page
or as JSON (Alaveteli's `search_ahead`).

The last word counts as the beginning of one, and any word is enough, so that the list does not
come and go with each letter.
"""

from pyramid.request import Request

from foi.pages import found
from foi.pages.page import Page
from foi.search.engine import Kind
from foi.search.query import BEGINNING, Filter, Node, Prefix, Word, asked_words, parse
from foi.search.tree import conjunction, disjunction
from foi.site import site_of

SHOWN = 10


def requests(request: Request) -> Page:
    """Requests like what is typed (`q`), to one authority if `requested_from` names it."""
    typed = request.GET.get("q", request.GET.get("query", ""))
    whom = request.GET.get("requested_from", "").strip()
    within = (Filter("requested_from", whom),) if whom else ()
    return _page(request, "/request/search_ahead", Kind.REQUESTS, typed, within)


def bodies(request: Request) -> Page:
    """Authorities whose name is being typed (`query`)."""
    typed = request.GET.get("query", request.GET.get("q", ""))
    return _page(request, "/body/search_ahead", Kind.BODIES, typed, ())


def _page(request: Request, path: str, kind: Kind, typed: str, within: tuple[Filter, ...]) -> Page:
    site, tree = site_of(request), begun(typed)
    sought = conjunction((tree, *within)) if tree is not None else None
    hits = found.find(request, sought, kind=kind, limit=SHOWN, collapse=True)
    results = found.results(request.db, site, hits.list)
    return Page(
        title="Similar requests" if kind == Kind.REQUESTS else "Authorities",
        path=path,
        scopes=("search", "requests", "bodies", "people"),
        template="_ahead.jinja2",
        data={
            "query": typed,
            "results": [found.result_members(site, result) for result in results],
        },
        shows={"results": results},
        searchable=False,
    )


def begun(typed: str) -> Node | None:
    """Give the query for what is being typed."""
    words = list(asked_words(parse(typed).tree))
    if not words:
        return None
    last = words[-1]
    whole = [Word(word) for word in words]
    open_end = len(last) >= BEGINNING and not typed.endswith(" ") and last.isalnum()
    return disjunction([*whole, Prefix(last)] if open_end else whole)
