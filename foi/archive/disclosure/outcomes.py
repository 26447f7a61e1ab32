"""The words in which logs say how a request ended, as states of this archive.

docs/import.md has the same table. Words that are not here leave the state unknown and are named in
the report: better no state than a wrong one.
"""

import re
from collections.abc import Mapping

from foi.archive.disclosure.dating import UNKNOWN
from foi.archive.disclosure.fields import plain
from foi.archive.states import LABELS, STATES

WORDS: Mapping[str, tuple[str, ...]] = {
    "successful": (
        "all disclosed", "disclosed", "disclosed in full", "full disclosure", "fully disclosed",
        "information disclosed", "information provided", "information released", "granted",
        "full grant", "granted in full", "granted full", "full release", "full", "all released",
        "released", "released in full", "information supplied", "supplied", "provided",
        "provided in full", "all information provided", "all information sent", "all supplied",
        "all information supplied", "access granted", "full access", "disclosed in entirety",
        "disclosed entirely", "complete disclosure", "communication totale",
        "divulgation complete", "fully granted", "complied", "full response",
        "information given", "communique en totalite", "liberated", "released all",
    ),
    "partially_successful": (
        "disclosed in part", "partial", "part", "partially disclosed", "partly disclosed",
        "partial disclosure", "part disclosed", "partial grant", "granted in part",
        "partially granted", "partial grant partial denial", "partial release",
        "partially released", "released in part", "part released", "partial refusal",
        "part refused", "partially refused", "refused in part", "some information sent",
        "some information provided", "partially provided", "provided in part", "part provided",
        "some information supplied", "part exempt", "partially exempt", "partly exempt",
        "partial exemption", "partial access", "part supplied", "partially supplied", "partially",
        "partial disclosure exemptions applied", "communication partielle",
        "divulgation partielle", "communique en partie", "partially liberated", "part disclosure",
    ),
    "rejected": (
        "refused", "rejected", "denied", "nothing disclosed", "not disclosed", "withheld",
        "all withheld", "all exempted", "all excluded", "fully exempt", "exempt",
        "refused in full", "exempted", "full refusal", "refusal", "full denial", "no disclosure",
        "denied in full", "full denial based on exemptions", "information withheld",
        "information refused", "all refused", "exemption applied", "fully withheld",
        "not released",
        "withheld in full", "access denied", "nothing released", "none disclosed", "declined",
        "refused exempt", "entirely exempt", "refused cost", "refused cost limit",
        "refused on cost grounds", "cost limit", "exceeds cost limit", "over cost limit",
        "exceeds appropriate limit", "refuse", "refusee", "aucune communication",
        "exception totale",
        "aucune divulgation", "refused vexatious", "information exempt",
    ),
    "not_held": (
        "not held", "information not held", "no information held", "no records",
        "no records found", "no records exist", "no records located", "no information",
        "does not exist", "records do not exist", "nothing held", "no responsive records",
        "unable to locate records", "no relevant records", "not an agency record", "none held",
        "aucun document", "aucun document existant", "document inexistant", "info not held",
        "data not held", "request fulfilled no responsive records", "no record",
    ),
    "user_withdrawn": (
        "withdrawn", "request withdrawn", "discontinued", "abandoned", "withdrawn by requester",
        "withdrawn by the requester", "withdrawn by applicant", "cancelled", "canceled",
        "request abandoned", "lapsed", "abandonnee", "abandonne", "retire",
    ),
    "waiting_response": (
        "open", "pending", "in progress", "ongoing", "received", "active", "awaiting response",
        "outstanding", "overdue", "delayed", "long overdue", "new", "acknowledged",
        "being processed", "in process", "under consideration", "awaiting reply", "en cours",
        "late", "logged", "live", "processing",
    ),
    "waiting_classification": ("awaiting classification", "awaiting description"),
    "waiting_clarification": (
        "awaiting clarification", "waiting clarification", "clarification requested",
        "clarification", "clarification sought", "on hold awaiting clarification",
        "clarification required",
    ),
    "internal_review": ("internal review", "awaiting internal review"),
    "gone_postal": ("handled by post", "handled by postal mail"),
    "not_foi": (
        "not foi", "not an foi request", "not a foi request", "business as usual", "bau",
        "not a valid request", "invalid request", "not valid", "dealt with as business as usual",
    ),
}  # fmt: skip
"""Each state with the words that mean it, without signs and capitals. `waiting_classification`
stands for an answer that nobody has described yet.
"""

_STATES = {words: state for state, many in WORDS.items() for words in many}
for _name in STATES:
    _STATES[plain(_name)] = _STATES[plain(LABELS[_name])] = _name
_LAWS = {
    "foi": (
        "foi", "foia", "foisa", "foi act", "foi request", "freedom of information", "lai",
        "freedom of information act", "freedom of information act 2000", "foia 2000", "ati",
        "freedom of information scotland act 2002", "access to information", "foi 2000",
        "access to information act", "foi sa", "fois", "foip", "foippa", "mfippa", "fippa",
        "freedom of information scotland act", "freedom of information request", "foi general",
    ),
    "eir": (
        "eir", "eirs", "eir s", "environmental information regulations", "environmental",
        "environmental information", "environmental information regulations 2004", "eir request",
        "environmental information scotland regulations 2004", "eisr", "eisrs", "eir 2004",
        "environmental information scotland regulations",
    ),
}  # fmt: skip
_LAW_OF = {words: law for law, many in _LAWS.items() for words in many}
_LONGEST = 300
_ANNOTATED = re.compile(r"\s*(?:\(.*|[-–—:,;].*)", re.DOTALL)


def state_of(text: str, own: Mapping[str, str]) -> str | None:
    """Give the state that words of an outcome mean, None when they are not known.

    `own` are the site's own meanings by `plain` words. What follows a bracket, dash, colon or
    comma is left away when the whole is not known: `Refused - section 40`.
    """
    if len(text) > _LONGEST:
        return None
    for words in (plain(text), plain(_ANNOTATED.sub("", text.strip()))):
        state = own.get(words) or _STATES.get(words)
        if state is not None:
            return state
    return None


def is_told(text: str) -> bool:
    """Tell whether a cell of outcomes says anything at all."""
    return text.strip().lower() not in UNKNOWN or state_of(text, {}) is not None


def law_of(text: str) -> str | None:
    """Give the law, `foi` or `eir`, that words mean; None when they mean neither."""
    return _LAW_OF.get(plain(text))
