"""One request as Aleph shall hold it: a folder, letters as e-mails, their attachments, and links.

It gives up a separate object for a file that is known but not held: the letter's text names it,
with the link to the original; and `inReplyToEmail`, which would make Aleph delete an answer
together with the letter that it answers (`inReplyTo` threads them as well).
"""

from collections.abc import Iterable

from bridge.items import (
    File,
    Item,
    Manifest,
    Source,
    clean,
    file_id,
    folder_id,
    line,
    moment,
    publisher,
    web_address,
)
from bridge.schemata import language_of
from foi.archive.casework import format_tag
from foi.archive.reading import ReadAttachment, ReadMessage, mask
from foi.pages import links, members


class Correspondence:
    """One request on its way into the manifest."""

    def __init__(self, source: Source, request: members.Listed, country: str) -> None:
        self._source, self._request = source, request
        self._row = request.row
        self._url = source.site.url(request.path)
        self._folder = folder_id(self._row.id)
        self._body = f"body:{self._row.body_id}"
        self._person = f"person:{self._row.person_id}" if self._row.person_id else None
        language = language_of(source.site.settings.site_locale)
        self._publisher = publisher(source)
        self._common = clean(
            self._publisher, country=[country], language=[language] if language else []
        )

    def manifest(self, messages: Iterable[ReadMessage]) -> Manifest:
        """Give everything made from the request and these messages of it, parents first."""
        items = [self._as_folder(), *self._as_links()]
        previous = None
        for message in messages:
            if message.withheld is None:
                items.append(self._as_email(message, previous))
                items += [self._as_file(message, a) for a in message.attachments if a.held]
                previous = message
        needs = (self._body, self._person) if self._person else (self._body,)
        return Manifest(f"request:{self._row.id}", tuple(items), needs)

    def _as_folder(self) -> Item:
        row, request = self._row, self._request
        return Item(
            kind="request",
            foreign_id=self._folder,
            schema="Folder",
            properties=clean(
                self._common,
                title=[request.title],
                fileName=[request.title],
                summary=[f"Request to {mask(row.body_name)}: {request.state.label}"],
                author=[mask(request.requester)],
                sourceUrl=[self._url],
                date=[moment(row.created_at)],
                publishedAt=[moment(row.created_at)],
                modifiedAt=[moment(row.updated_at)],
                keywords=[
                    "foi",
                    f"status:{request.state.name}",
                    *(mask(format_tag(*tag)) for tag in request.tags),
                ],
            ),
            created_at=row.created_at,
            document=True,
        )

    def _as_links(self) -> Iterable[Item]:
        for role, subject in (("authority", self._body), ("requester", self._person)):
            if subject is not None:
                yield Item(
                    kind="link",
                    foreign_id=self._source.digest(f"request:{self._row.id}:{role}"),
                    schema="Documentation",
                    properties=clean(
                        self._publisher,
                        role=[role],
                        date=[moment(self._row.created_at)],
                        sourceUrl=[self._url],
                    ),
                    references={
                        "document": (self._folder,),
                        "entity": (self._source.digest(subject),),
                    },
                    created_at=self._row.created_at,
                )

    def _as_email(self, message: ReadMessage, previous: ReadMessage | None) -> Item:
        row, title = self._row, self._request.title
        incoming = message.direction == "response"
        parties = [
            (mask(self._request.requester), self._person),
            (mask(row.body_name), self._body),
        ]
        sender, receiver = reversed(parties) if incoming else parties
        way = "incoming" if incoming else "outgoing"
        return Item(
            kind="message",
            foreign_id=self._message_id(message),
            schema="Email",
            properties=clean(
                self._common,
                subject=[title if message.purpose == "initial" else f"Re: {title}"],
                threadTopic=[title],
                date=[moment(message.sent_at)],
                **{"from": [sender[0]]},
                to=[receiver[0]],
                bodyText=[_text(message)],
                messageId=[f"{self._source.collection}-{message.id}"],
                inReplyTo=[f"{self._source.collection}-{previous.id}" if previous else ""],
                sourceUrl=[self._url + links.message_anchor(message.direction, message.id)],
                keywords=list(dict.fromkeys(("foi", way, message.purpose))),
                fileName=[f"{way}-{message.id}"],
                processingStatus=["success"],
            ),
            references={
                "parent": (self._folder,),
                "ancestors": (self._folder,),
                "emitters": self._entities(sender[1]),
                "recipients": self._entities(receiver[1]),
            },
            created_at=message.created_at,
            document=True,
            parent=self._folder,
            file_name=f"{way}-{message.id}",
            indexed=False,
        )

    def _as_file(self, message: ReadMessage, attachment: ReadAttachment) -> Item:
        path = links.attachment_path(
            self._row.url_title, message.id, attachment.number, attachment.name
        )
        return Item(
            kind="attachment",
            foreign_id=file_id(self._row.id, message.id, attachment.number),
            schema="Document",
            properties=clean(
                self._common,
                title=[attachment.name],
                date=[moment(message.sent_at)],
                sourceUrl=[self._source.site.url(path)],
                keywords=["foi", "attachment"],
            ),
            created_at=message.created_at,
            document=True,
            parent=self._message_id(message),
            file_name=line(attachment.name) or f"attachment-{attachment.number}",
            file=File(attachment.sha256 or "", attachment.media_type, attachment.size),
        )

    def _message_id(self, message: ReadMessage) -> str:
        way = "in" if message.direction == "response" else "out"
        return f"{self._folder}-{way}-{message.id}"

    def _entities(self, subject: str | None) -> tuple[str, ...]:
        return (self._source.digest(subject),) if subject else ()


def _text(message: ReadMessage) -> str:
    """Give a message's text, followed by what is attached to the original but not held here."""
    parts = [message.text or ""]
    for attachment in message.attachments:
        if attachment.withheld is None and not attachment.held:
            size = "" if attachment.size is None else f" ({attachment.size:,} bytes)"
            link = web_address(attachment.link)
            parts.append(
                f"[Attached, not held here: {attachment.name}{size} {link}".rstrip() + "]"
            )
    return "\n\n".join(part for part in parts if part)
