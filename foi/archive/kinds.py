"""The kinds of event and their audiences: public names, promised by feeds, JSON and
docs/events.md.

Where Alaveteli has a kind of the same meaning, its name is taken. docs/events.md is made from the
docstrings.
"""

from enum import StrEnum


class Audience(StrEnum):
    """Who may see that an event happened."""

    PUBLIC = "public"
    """Anybody, while the rows it points at are public."""
    PARTIES = "parties"
    """The requester and the authority of the request."""
    DESK = "desk"
    """The people who run the site."""


class Kind(StrEnum):
    """What can happen."""

    SENT = "sent"
    """A request was made: its first message went to the authority."""
    FOLLOWUP_SENT = "followup_sent"
    """A further message went to the authority: a reminder, a clarification, a request for internal
    review.
    """
    RESPONSE = "response"
    """The authority wrote."""
    COMMENT = "comment"
    """Somebody annotated a request."""
    STATUS_UPDATE = "status_update"
    """A request's state was described; `params.state` holds it."""
    EDIT = "edit"
    """A request's title, law or tags were changed; `params.changed` names the fields."""
    MOVE_REQUEST = "move_request"
    """A request was moved to another authority; `params.from` holds the former one's id."""
    HIDE = "hide"
    """A request, message, attachment or annotation became less prominent; `params.prominence` says
    how.
    """
    RELEASE = "release"
    """What had been less prominent is shown normally again."""
    ERASE = "erase"
    """A message, attachment or annotation was erased for good; nothing of it is kept."""
    OVERDUE = "overdue"
    """The day by which the authority had to answer has passed."""
    VERY_OVERDUE = "very_overdue"
    """The second deadline has passed as well."""
    BODY_ADDED = "body_added"
    """An authority was added."""
    BODY_EDITED = "body_edited"
    """An authority's record was changed; `params.changed` names the fields."""
    PERSON_ADDED = "person_added"
    """Somebody joined."""
    PERSON_EDITED = "person_edited"
    """A person's public record was changed; `params.changed` names the fields."""
    KEY_ROTATED = "key_rotated"
    """An authority's write key was replaced."""
    KEY_CARRIED = "key_carried"
    """A key that an authority had on a former site was accepted here."""
    KEY_SHOWN = "key_shown"
    """An authority's write key was shown to somebody at the desk."""
    DESK_ACT = "desk_act"
    """Somebody who runs the site did something; `params.did` names it, and further members say
    with what and why. What the public may know of it has events of its own.
    """
    SIGN_IN = "sign_in"
    """Somebody signed in or out, ended sessions or was kept from trying further: `params.did`;
    `params.account` is the account's number.
    """
    ACCOUNT_EDIT = "account_edit"
    """An account was made or changed; `params.did` says how, `params.account` is its number."""


DESK_ONLY = frozenset(
    {
        Kind.KEY_ROTATED,
        Kind.KEY_CARRIED,
        Kind.KEY_SHOWN,
        Kind.DESK_ACT,
        Kind.SIGN_IN,
        Kind.ACCOUNT_EDIT,
    }
)
"""Kinds that never reach the public."""

PUBLIC_KINDS = tuple(kind for kind in Kind if kind not in DESK_ONLY)
"""Kinds that the public may see, in the order of docs/events.md."""

CORRESPONDENCE = (Kind.SENT, Kind.FOLLOWUP_SENT, Kind.RESPONSE, Kind.COMMENT)
"""Kinds that public feeds and the search index hold, as Alaveteli's do."""

WITHDRAWALS = (Kind.HIDE, Kind.ERASE)
"""Kinds that take something back."""
