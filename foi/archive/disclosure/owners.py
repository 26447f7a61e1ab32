"""Whose requests a log holds: those of one authority, or each row's own by a column of names.

A name must be that of an authority that is here: its name, short name or URL name, capitals and
signs apart. None is ever added, since a log writes names as it likes.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.disclosure.fields import plain
from foi.archive.importing.known import bodies_by_slug
from foi.archive.importing.report import UnusableFile
from foi.archive.models import Body

Owner = tuple[str, int]
"""URL name and id of an authority."""


class Owners:
    """Finds authorities by what a log calls them."""

    def __init__(self, db: Session, slug: str | None) -> None:
        """`slug` is that of the only authority; UnusableFile when there is none such here."""
        self._db = db
        self._named: dict[str, set[Owner]] = {}
        self._former: dict[str, set[Owner]] = {}
        self._only: Owner | None = None
        if slug is not None:
            self._only = next(iter(self._by_slug(slug)), None)
            if self._only is None:
                raise UnusableFile(f"there is no authority {slug[:200]!r} here")
            return
        column = Body.__table__.c
        for url_name, number, name, short_name in db.execute(
            select(column.url_name, column.id, column.name, column.short_name)
        ):
            for text in (url_name, plain(name), plain(short_name)):
                if text:
                    self._named.setdefault(text, set()).add((url_name, number))

    def of(self, texts: Sequence[str]) -> Owner:
        """Give the authority that the cells of a row name, the first that is here; ValueError when
        none is.
        """
        if self._only is not None:
            return self._only
        told = [text for text in texts if text]
        for text in told:
            found = self._named.get(text) or self._named.get(plain(text)) or self._by_slug(text)
            if len(found) > 1:
                slugs = ", ".join(sorted(url_name for url_name, _ in found))
                raise ValueError(f"{text[:100]!r} is the name of several authorities: {slugs}")
            if found:
                return next(iter(found))
        if not told:
            raise ValueError("is blank")
        raise ValueError(f"there is no authority {told[0][:100]!r} here")

    def _by_slug(self, text: str) -> set[Owner]:
        """Give the authority that has or had a URL name, as a set of one."""
        if text not in self._former:
            bodies = bodies_by_slug(self._db, [text]) if len(text) <= 200 else {}
            self._former[text] = {(body.url_name, body.id) for body in bodies.values()}
        return self._former[text]
