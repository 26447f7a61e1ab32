"""What each address answers as JSON: the members of a page, of a feed, of the site as a whole."""

from foi.api.description.records import ATTACHMENT, BODY, PARTIES, PERSON, REQUEST
from foi.api.description.shapes import (
    Schema,
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
from foi.pages.search import KINDS, SORTS

_LINKS = {"links": ref("Links")}
_NOTES = {
    "query_notes": many(text(), "What to know of how the words were understood; only if any.")
}
_RESULTS = {"results": many(ref("SearchResult"))}

PAGES: dict[str, Schema] = {
    "RequestPage": record(
        "A request with its correspondence, in the order in which it arrived.",
        REQUEST
        | PARTIES
        | {
            "user_name": text("The public name; only of somebody who is not registered here."),
            "messages": many(ref("Message")),
            "comments": many(ref("Annotation")),
            "info_request_events": many(ref("Event"), "Oldest first."),
        }
        | _LINKS,
        optional=["user_name"],
    ),
    "RequestDetails": record(
        "Every public event of a request, oldest first.",
        {"info_request": ref("Request"), "info_request_events": many(ref("DetailedEvent"))}
        | _LINKS,
    ),
    "SimilarRequests": record(
        "Requests like a request, the most similar first.",
        {
            "request": url("The request."),
            "words": many(text(), "The words that set it apart, by which others were found."),
        }
        | _RESULTS
        | _LINKS,
    ),
    "RequestList": record(
        "A part of a list of requests, newest first.",
        {"requests": many(ref("ListedRequest"))} | _NOTES | _LINKS,
        optional=["query_notes"],
    ),
    "BodyPage": record(
        "An authority, and a part of the list of requests made to it, newest first.",
        BODY
        | {
            "created_at": moment("When it was added."),
            "updated_at": moment("When its record last changed."),
            "home_page": text("Its own website; may be empty."),
            "notes": text("What those who run this site say of it; may be empty."),
            "publication_scheme": text("Where it publishes of its own accord; may be empty."),
            "disclosure_log": text("Where it publishes its own answers; may be empty."),
            "tags": ref("Tags"),
            "info": ref("Counts"),
            "statistics": ref("Statistics"),
            "jurisdiction": ref("Jurisdiction"),
            "url": url("Its page."),
            "requests": many(ref("Request")),
        }
        | _NOTES
        | _LINKS,
        optional=["query_notes"],
    ),
    "BodyList": record(
        "A part of a list of authorities, A to Z.",
        {
            "public_bodies": many(ref("ListedBody")),
            "categories": many(ref("TagCategory"), "In the order of the site."),
        }
        | _LINKS,
    ),
    "PersonPage": record(
        "Somebody, and a part of the list of requests they made, newest first.",
        PERSON | {"requests": many(ref("Request"))} | _NOTES | _LINKS,
        optional=["query_notes"],
    ),
    "PersonProfile": record("What somebody says of themselves.", PERSON | _LINKS),
    "PersonWall": record(
        "What somebody did, newest first: requests, follow-ups, annotations.",
        PERSON | {"events": many(ref("ToldEvent"))} | _LINKS,
    ),
    "EventLog": record(
        "What happened after an event, oldest first, without gaps.",
        {
            "events": many(ref("ToldEvent")),
            "newest": number("The number of the newest event there is."),
            "since": number("The `since` to ask with next."),
        }
        | _LINKS,
    ),
    "SearchPage": record(
        "What was found. Without a query only `query`, `results` and `links` are there.",
        {
            "query": text("What was searched for."),
            "kind": one_of(KINDS, "What was looked for."),
            "sort": one_of(SORTS, "The order."),
            "total": number("How many there are."),
            "exact": truth("Whether they were counted to the end."),
            "notes": many(text(), "What to know of how the query was understood."),
            "corrected": null_or(
                record("A spelling that finds more.", {"query": text(), "url": url("Its search.")})
            ),
            "facets": {
                "type": ["object", "null"],
                "description": "What the search can be narrowed to, by facet: `state`, "
                "`authority`, `year`, `filetype`; null where they were not counted.",
                "additionalProperties": many(
                    record(
                        "One value.",
                        {
                            "value": text(),
                            "label": text("What it is called."),
                            "count": number(),
                            "chosen": truth("Whether the search has it already."),
                            "url": url("The search with it, or without it if it is chosen."),
                        },
                    )
                ),
            },
        }
        | _RESULTS
        | _LINKS,
        optional=["kind", "sort", "total", "exact", "notes", "corrected", "facets"],
    ),
    "SearchAhead": record(
        "What is found while somebody types, the best first; at most ten.",
        {"query": text("What was typed.")} | _RESULTS | _LINKS,
    ),
    "AttachmentPage": record(
        "A file of a message: what it holds, and where it is.",
        ATTACHMENT
        | {
            "text_state": null_or(
                one_of(("text", "empty", "unsupported", "failed"), "Null: not read yet.")
            ),
            "text_reason": null_or(text("Why there is no text, or what is missing of it.")),
            "text": null_or(text("Its text.")),
            "view_state": null_or(
                one_of(("html", "empty", "failed"), "Null: not converted yet, or never.")
            ),
            "view_reason": null_or(text("Why it cannot be shown, or what was left out.")),
            "view": null_or(text("It as HTML, without scripts.")),
        }
        | _LINKS,
    ),
}

FEEDS: dict[str, Schema] = {
    "EventFeed": many(ref("ToldEvent"), "A part of a feed, newest first (Alaveteli's array)."),
    "JSONFeed": record(
        "A part of a feed, newest first, as JSON Feed 1.1 (jsonfeed.org).",
        {
            "version": text(const="https://jsonfeed.org/version/1.1"),
            "title": text("What the feed is of."),
            "home_page_url": url("The page that it follows."),
            "feed_url": url("The feed itself."),
            "icon": url("A picture."),
            "favicon": url("The same."),
            "authors": many(ref("JSONFeedAuthor")),
            "language": text("The language of the site."),
            "next_url": url("The older part, if there is one."),
            "_foi": record(
                "What JSON Feed has no member for.",
                {
                    "id": text("The id of the feed, which never changes (a tag: address)."),
                    "date_modified": moment("Its newest change."),
                    "erased": many(
                        record(
                            "What is no longer to be shown.",
                            {"id": text("The item's id."), "date_modified": moment("Since when.")},
                        )
                    ),
                },
            ),
            "items": many(ref("JSONFeedItem")),
        },
        optional=["next_url"],
    ),
    "JSONFeedAuthor": record(
        "Who wrote something.",
        {"name": text(), "url": url("Their page.")},
        optional=["url"],
    ),
    "JSONFeedItem": record(
        "One thing that happened.",
        {
            "id": text("A tag: address, which never changes."),
            "url": url("Where it is shown."),
            "title": text(),
            "content_html": text("Its text, without scripts."),
            "content_text": text("Instead of it, where the title says all."),
            "date_published": moment("When it happened."),
            "date_modified": moment("When what it tells last changed."),
            "authors": many(ref("JSONFeedAuthor")),
            "tags": many(text(), "The request's state and tags."),
            "attachments": many(
                record(
                    "A released file.",
                    {
                        "url": url("Where it is."),
                        "mime_type": text(),
                        "title": text(),
                        "size_in_bytes": number(),
                    },
                    optional=["title", "size_in_bytes"],
                )
            ),
        },
        optional=["content_html", "content_text", "attachments"],
    ),
}

SITE: dict[str, Schema] = {
    "Health": record(
        "That the site can answer.", {"status": text(const="ok"), "version": text("Its release.")}
    ),
    "Version": record(
        "Which software this is, and how much it holds (Alaveteli's names).",
        {
            "software": text(const="foi-tracker"),
            "version": text("Its release."),
            "write_api_version": {"type": "integer", "const": 2},
            "visible_public_body_count": number(),
            "visible_request_count": number(),
            "private_request_count": number("Requests that no list shows."),
            "confirmed_user_count": number(),
            "visible_comment_count": number(),
            "visible_followup_message_count": number(),
            "request_classification_count": number("How often a request was described."),
        },
    ),
}

SCHEMAS: dict[str, Schema] = PAGES | FEEDS | SITE
