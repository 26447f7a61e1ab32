"""The verbs: everything that changes the archive, each ending in one `ledger.record`.

A verb takes rows of the caller's session, changes them and records what happened; it commits
nothing. `actor` says who does it (`person:5`, `body:3`, `account:2`, `desk`, `import`, `clock`);
`at` when it happened, if not now.
"""

from foi.archive.casework.acts import act, note
from foi.archive.casework.bodies import (
    BodyFields,
    add_body,
    carry_key,
    edit_body,
    rotate_key,
    show_key,
)
from foi.archive.casework.categories import set_categories
from foi.archive.casework.people import add_person, edit_person
from foi.archive.casework.prominence import erase, hide, release
from foi.archive.casework.requests import (
    File,
    annotate,
    announce_overdue,
    awaits_clarification,
    classify,
    correspond,
    edit_request,
    move,
    open_request,
)
from foi.archive.casework.standing import change_standing, open_standing
from foi.archive.casework.tags import format_tag, parse_tag, tags_of

__all__ = [
    "BodyFields",
    "File",
    "act",
    "add_body",
    "add_person",
    "annotate",
    "announce_overdue",
    "awaits_clarification",
    "carry_key",
    "change_standing",
    "classify",
    "correspond",
    "edit_body",
    "edit_person",
    "edit_request",
    "erase",
    "format_tag",
    "hide",
    "move",
    "note",
    "open_request",
    "open_standing",
    "parse_tag",
    "release",
    "rotate_key",
    "set_categories",
    "show_key",
    "tags_of",
]
