"""`request.db`: one session for each request, in one transaction if it may write."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid_retry import mark_error_retryable
from pyramid_tm import explicit_manager
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from zope.sqlalchemy import datamanager, register

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Two writers may choose the same free slug; the second attempt finds it taken and chooses another.
mark_error_retryable(IntegrityError)
# A deadlock or serialization failure on PostgreSQL, a lock that timed out on SQLite.
mark_error_retryable(OperationalError)


def _request_db(request: Request) -> Session:
    """Give the request's session: from the WSGI environ in tests; else a snapshot for reading,
    or one joined to its transaction for writing.
    """
    given: Session | None = request.environ.get("foi.db")
    if given is not None:
        return given
    writing = _writes(request)
    session: Session = request.registry["foi.site"].sessions.make(writing)
    if writing:
        register(session, initial_state=datamanager.STATUS_CHANGED, transaction_manager=request.tm)
    request.add_finished_callback(lambda _: session.close())
    return session


def _writes(request: Request) -> bool:
    """Tell whether a request may write, and so needs a transaction."""
    return request.method not in SAFE_METHODS


def includeme(config: Configurator) -> None:
    """Give every request its `db`, one transaction if it may write, and another try from the
    start when it has lost a race.
    """
    config.add_settings(
        {
            "tm.manager_hook": explicit_manager,
            "tm.activate_hook": _writes,
            "tm.annotate_user": False,
            "retry.attempts": 3,
        }
    )
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.add_request_method(_request_db, "db", reify=True)
