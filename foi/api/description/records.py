"""The things that JSON tells of: requests, messages, files, authorities, people, events. Members
that Alaveteli has bear its names; `foi/pages/members.py` and its neighbours make them.
"""

from foi.api.description.shapes import (
    Schema,
    day,
    many,
    moment,
    null_or,
    number,
    one_of,
    record,
    ref,
    text,
    truth,
    url,
)
from foi.archive.deadlines import JURISDICTIONS
from foi.archive.kinds import PUBLIC_KINDS
from foi.archive.reading import READABLE
from foi.archive.states import CALCULATED, PART_PROMINENCE, STATES

_SHA256 = "^[0-9a-f]{64}$"

REQUEST: dict[str, Schema] = {
    "id": number("Its number, which never changes."),
    "url_title": text("Its name in addresses; former ones redirect."),
    "title": text("What it is about."),
    "created_at": moment("When it was made, which for an imported one is long before it came."),
    "updated_at": moment("When it last changed."),
    "described_state": null_or(ref("DescribedState", "As somebody described it last.")),
    "display_status": text("What `calculated_state` is called on pages."),
    "awaiting_description": truth("Whether nobody has said yet what the last answer means."),
    "prominence": one_of(
        READABLE, "`normal`, or `backpage`: to be read by its link only, in no list."
    ),
    "law_used": text("Under which law it was made: `foi`, `eir` ..."),
    "tags": ref("Tags"),
    "calculated_state": ref("CalculatedState"),
    "due_on": null_or(day("The last day on which an answer is in time.")),
    "very_overdue_on": null_or(day("The last day before it is long overdue.")),
    "external_url": null_or(text("Where it was made, of one that was made elsewhere.")),
    "url": url("Its page."),
}
PARTIES: dict[str, Schema] = {"public_body": ref("BodyPointer"), "user": ref("Requester")}
EVENT: dict[str, Schema] = {
    "id": number("Its number: later ones have greater numbers. Never used twice."),
    "event_type": ref("EventKind"),
    "created_at": moment("When it happened."),
    "recorded_at": moment("When this site heard of it."),
    "described_state": null_or(text("The state that was described at this point.")),
    "calculated_state": null_or(text("The state that it led to.")),
    "last_described_at": null_or(moment("When that was described.")),
    "incoming_message_id": null_or(number("The answer that it is about.")),
    "outgoing_message_id": null_or(number("The letter to the authority that it is about.")),
    "comment_id": null_or(number("The annotation that it is about.")),
    "url": null_or(url("Where it is shown; null for what is of no request.")),
    "display_status": null_or(
        text("What `calculated_state` is called; only of events with a message.")
    ),
}
ATTACHMENT: dict[str, Schema] = {
    "id": number("Its number."),
    "number": number("Its place in its message, from 1.", minimum=1),
    "filename": text("Its name."),
    "content_type": text("Its type, found out from its content."),
    "size": null_or(number("Its size in bytes, if known.")),
    "sha256": null_or(text("Of its bytes; null if they are not held here.", pattern=_SHA256)),
    "url": null_or(url("Where its bytes can be had; null if they are not held here.")),
    "html_url": null_or(url("Where it can be read as a page, if it is of a kind that can.")),
    "original_url": null_or(text("Where its original is, if that is elsewhere.")),
}  # fmt: skip
BODY: dict[str, Schema] = {
    "id": number("Its number, which never changes."),
    "url_name": text("Its name in addresses; former ones redirect."),
    "name": text("Its name."),
    "short_name": text("A short name; may be empty."),
}
PERSON: dict[str, Schema] = {
    "id": number("Their number."),
    "url_name": text("Their name in addresses; former ones redirect."),
    "name": text("Their name."),
    "ban_text": text("Why they may not write here any more; mostly empty."),
    "about_me": text("What they say of themselves; may be empty."),
}

_MESSAGE = record(
    "A letter to or from the authority. Of one that is withheld only its place and the reason.",
    {
        "id": number("Its number."),
        "direction": one_of(("request", "response"), "To the authority, or from it."),
        "purpose": one_of(
            ("initial", "followup", "clarification", "internal_review", "response"),
            "What it was written for.",
        ),
        "sent_at": null_or(moment("When it was sent, if known.")),
        "created_at": moment("When it was recorded here."),
        "text": null_or(text("Its text, with e-mail addresses and mobile numbers taken out.")),
        "prominence": one_of(PART_PROMINENCE, "Whether it is shown."),
        "withheld": null_or(text("Why it is not shown; null when it is.")),
        "attachments": many(ref("Attachment"), "Its files."),
        "url": url("Its place on the request's page."),
    },
)
_ATTACHMENT = record(
    "A file of a message. Of one that is withheld only `id`, `number` and `withheld` are there.",
    ATTACHMENT
    | {
        "withheld": text("Why it is not shown; not there when it is."),
        "aleph": record(
            "What has become of it in Aleph; only where the site keeps one in step.",
            {
                "state": one_of(("searchable", "processing", "failed"), "Whether it is found."),
                "reason": null_or(text("Why Aleph could not read it.")),
                "url": null_or(url("Where it is in Aleph, once it is searchable.")),
            },
        ),
    },
    optional=[
        *(name for name in ATTACHMENT if name not in ("id", "number")),
        *("withheld", "aleph"),
    ],
)
_STATISTICS = record(
    "How its requests ended and how quickly it answers, as on its page.",
    {
        "requests": number("How many listed requests there are."),
        "outcomes": many(
            record(
                "How many stand at one state.",
                {
                    "calculated_state": ref("CalculatedState"),
                    "display_status": text("What the state is called."),
                    "count": number(),
                },
            ),
            "Most frequent first.",
        ),
        "response_times": record(
            "Of the newest requests that have ended or are overdue.",
            {
                "unit": one_of(("working days", "days"), "What is counted."),
                "limit": number("How many of them the law allows."),
                "among": number("How many requests were looked at, at most."),
                "answered_in_time": number(),
                "answered_late": number(),
                "overdue": number("Past the due day without an answer."),
                "share_in_time": {
                    "type": ["number", "null"],
                    "minimum": 0,
                    "maximum": 1,
                    "description": "Of all these; null while there is none.",
                },
                "median": null_or(number("Of the days that answers took.")),
                "distribution": many(
                    record(
                        "How many answers took so many days.",
                        {
                            "from": number(),
                            "to": null_or(number("Null: that many and more.")),
                            "count": number(),
                        },
                    )
                ),
                "by_year": many(
                    record(
                        "Those of requests made in one year, newest first.",
                        {
                            "year": number(),
                            "answered": number(),
                            "in_time": number(),
                            "median": number(),
                        },
                    )
                ),
            },
        ),
    },
)
_COUNTS = {
    name: number()
    for name in (
        "requests_count",
        "requests_successful_count",
        "requests_not_held_count",
        "requests_overdue_count",
        "requests_visible_classified_count",
    )
}

SCHEMAS: dict[str, Schema] = {
    "Error": record(
        "Why something was refused: every reason at once.",
        {"errors": many(text(minLength=1)) | {"minItems": 1}},
    ),
    "DescribedState": one_of(STATES, "A state as somebody described it."),
    "CalculatedState": one_of(
        [*STATES, *CALCULATED], "The state that follows from what was described and from the day."
    ),
    "EventKind": one_of(PUBLIC_KINDS, "A kind of event (docs/events.md)."),
    "Jurisdiction": one_of(JURISDICTIONS, "The law by which deadlines are counted."),
    "Tags": many(
        {
            "type": "array",
            "prefixItems": [text("Name."), null_or(text("Value; null for a plain tag."))],
            "minItems": 2,
            "maxItems": 2,
        },
        "Pairs of name and value.",
    ),
    "Links": {
        "type": "object",
        "description": "Every other form of the page (`html`, `csv`, `feed` ...), and of a list "
        "its other parts (`next`, `previous`, `first`), each only where there is one.",
        "additionalProperties": {"type": "string", "format": "uri"},
    },
    "BodyPointer": record(
        "An authority, in short.",
        {name: BODY[name] for name in ("id", "url_name", "name")} | {"url": url("Its page.")},
    ),
    "Requester": record(
        "Who made a request. Only `name` if it is nobody registered here.",
        {
            "id": PERSON["id"],
            "url_name": PERSON["url_name"],
            "name": text("The public name, or that they are anonymous."),
            "url": url("Their page."),
        },
        optional=("id", "url_name", "url"),
    ),
    "Request": record("A request, without its correspondence.", REQUEST),
    "ListedRequest": record("A request with its authority and requester.", REQUEST | PARTIES),
    "Message": _MESSAGE,
    "Attachment": _ATTACHMENT,
    "Annotation": record(
        "What somebody noted beneath a request.",
        {
            "id": number("Its number."),
            "user": record("Who.", {name: PERSON[name] for name in ("name", "url_name")}),
            "created_at": moment("When."),
            "text": text("What."),
            "url": url("Its place on the request's page."),
        },
    ),
    "Event": record("That something happened.", EVENT, optional=["display_status"]),
    "DetailedEvent": record(
        "An event, and who did it.",
        EVENT
        | {
            "description": text("What happened, in words."),
            "by": record(
                "Who did it, with their page if they have one.",
                {"name": text(), "url": url("Their page.")},
                optional=["url"],
            ),
        },
        optional=["display_status"],
    ),
    "ToldEvent": record(
        "An event as lists of events tell it: with its request, authority and requester if it is "
        "of a request; with its text and files if it is correspondence.",
        EVENT
        | {"info_request": ref("Request")}
        | PARTIES
        | {
            "snippet": text("The first words of its text, as HTML."),
            "text": null_or(text("Its text.")),
            "attachments": many(ref("Attachment"), "Its files."),
        },
        optional=[
            "display_status", "info_request", *PARTIES, "snippet", "text", "attachments",
        ],
    ),
    "ListedBody": record(
        "An authority in a list.", BODY | {"tags": ref("Tags"), "url": url("Its page.")}
    ),
    "TagCategory": record(
        "A titled group of tags, by which authorities are found.",
        {
            "title": text("What the group is called."),
            "tags": many(
                record(
                    "A tag of the group.",
                    {
                        "tag": text("`name` or `name:value`."),
                        "name": text("Words for it."),
                        "url": url("The list of the authorities that have it."),
                    },
                )
            ),
        },
    ),
    "Counts": record("How many of its requests came to what (Alaveteli's names).", _COUNTS),
    "Statistics": _STATISTICS,
    "SearchResult": record(
        "Something found.",
        {
            "title": text("What it is called."),
            "url": url("Where it is."),
            "kind": one_of(("request", "authority", "person"), "What it is."),
            "created_at": null_or(moment("When it happened.")),
            "author": null_or(text("Who wrote it.")),
            "snippet": text("The words around what was found, as HTML."),
            "attachment": null_or(text("The file in which it was found.")),
            "attachment_url": null_or(url("Where that file is.")),
            "calculated_state": null_or(ref("CalculatedState", "Of the request.")),
        },
    ),
}  # fmt: skip
