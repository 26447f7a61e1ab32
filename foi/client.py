"""A client of the write API, for an authority's own software: publish requests, answers, files
and states.

It needs `requests` and nothing else of this distribution, so this one file may also be copied.
Every call carries an Idempotency-Key, so that one whose answer was lost is repeated safely. Files
are sent as they are read, whatever their size.

    client = Client("https://foi.example", key)
    made = client.create(title="Grit bins", body="How many?", external_url="https://...")
    client.respond(made.id, "Forty.", attachments=[Path("bins.csv")], state="successful")
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import requests
from requests.exceptions import ChunkedEncodingError

State = Literal["waiting_response", "rejected", "successful", "partially_successful"]
_PIECE = 1 << 16
_LONGEST_WAIT = 120
_AGAIN = frozenset({409, 429})
_LOST = (requests.ConnectionError, requests.Timeout, ChunkedEncodingError)
"""No answer, or half of one."""


class Refused(Exception):
    """The site refused a call and changed nothing; `errors` holds every reason."""

    def __init__(self, status: int, errors: Sequence[str]) -> None:
        super().__init__(f"{status}: {'; '.join(errors)}")
        self.status, self.errors = status, list(errors)


class Unreachable(Exception):
    """The site could not be reached, or not be understood, in several attempts."""


@dataclass(frozen=True)
class Created:
    """A request that is published: its address, and the number by which it is written to."""

    url: str
    id: int


@dataclass(frozen=True)
class Event:
    """A letter to the authority, as its feed tells it."""

    event_id: int
    request_id: int
    event_type: str
    created_at: datetime
    request_url: str
    title: str
    body: str
    user_name: str | None
    user_url: str | None
    request_email: str | None


@dataclass(frozen=True)
class Attachment:
    """Bytes to attach under a name; of a file on disk its path will do."""

    name: str
    content: bytes = field(repr=False)


@dataclass
class Client:
    """The calls of one authority to one site; safe to share between threads."""

    site: str
    """Where the site is, such as `https://foi.example`."""
    key: str = field(repr=False)
    timeout: float = 300
    """Seconds to wait for the site at a time."""
    attempts: int = 4
    """How often a call is tried in all, with growing pauses, or as long ones as the site asks
    for.
    """
    pause: float = 1
    """Seconds before the second attempt."""

    def create(
        self,
        *,
        title: str,
        body: str,
        external_url: str | None = None,
        external_user_name: str | None = None,
        tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Created:
        """Publish a request that the authority has received."""
        document = {
            "title": title,
            "body": body,
            "external_url": external_url,
            "external_user_name": external_user_name,
            "tags": list(tags),
        }
        told = self._post("/api/v2/request.json", document, key=idempotency_key)
        return Created(told["url"], told["id"])

    def respond(
        self,
        request_id: int,
        body: str,
        *,
        attachments: Sequence[Path | Attachment] = (),
        state: State | None = None,
        sent_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Publish an answer of the authority, with its files and the state that it brings about;
        give the request's address.
        """
        return self._write(
            request_id, "response", body, sent_at, state, attachments, idempotency_key
        )

    def follow_up(
        self,
        request_id: int,
        body: str,
        *,
        sent_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Publish a further letter of the requester; give the request's address."""
        return self._write(request_id, "request", body, sent_at, None, (), idempotency_key)

    def set_state(
        self, request_id: int, state: State, *, idempotency_key: str | None = None
    ) -> str:
        """Say what the requester thinks of the answer; give the request's address."""
        path = f"/api/v2/request/{request_id}/update.json"
        return str(self._post(path, {"state": state}, key=idempotency_key)["url"])

    def request(self, request_id: int) -> dict[str, Any]:
        """Give everything about a request: state, due dates, correspondence, files, events."""
        told: dict[str, Any] = self._get(f"/api/v2/request/{request_id}.json", {})
        return told

    def events(
        self, body_id: int, *, since_event_id: int | None = None, since: date | None = None
    ) -> list[Event]:
        """Give the letters to the authority (`body_id` is its number on the site), newest first:
        remember the first one's `event_id`, and ask for what came since.
        """
        asked = {
            "since_event_id": since_event_id,
            "since_date": None if since is None else since.isoformat(),
        }
        rows = self._get(f"/api/v2/body/{body_id}/request_events.json", asked)
        return [
            Event(
                **{name: row.get(name) for name in Event.__dataclass_fields__}
                | {"created_at": datetime.fromisoformat(row["created_at"])}
            )
            for row in rows
        ]

    def _write(
        self,
        request_id: int,
        direction: str,
        body: str,
        sent_at: datetime | None,
        state: State | None,
        attachments: Sequence[Path | Attachment],
        key: str | None,
    ) -> str:
        if sent_at is not None and sent_at.tzinfo is None:
            raise ValueError("sent_at needs its time zone")
        document = {"direction": direction, "body": body, "state": state}
        if sent_at is not None:
            document["sent_at"] = sent_at.isoformat()
        path = f"/api/v2/request/{request_id}.json"
        return str(self._post(path, document, attachments, key)["url"])

    def _get(self, path: str, asked: dict[str, Any]) -> Any:
        return self._call("GET", path, {}, params=asked)

    def _post(
        self,
        path: str,
        document: dict[str, Any],
        attachments: Sequence[Path | Attachment] = (),
        key: str | None = None,
    ) -> Any:
        given = {name: value for name, value in document.items() if value is not None}
        form = Form({"json": json.dumps(given)}, attachments)
        headers = {
            "Content-Type": form.content_type,
            "Idempotency-Key": f'"{key or uuid.uuid4()}"',
        }
        return self._call("POST", path, headers, data=form)

    def _call(self, method: str, path: str, headers: dict[str, str], **more: Any) -> Any:
        headers = headers | {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        url, problem, answered = self.site.rstrip("/") + path, "it was not tried", None
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(max(self.pause * 2 ** (attempt - 1), _asked_to_wait(answered)))
            try:
                answered = requests.request(
                    method,
                    url,
                    headers=headers,
                    timeout=self.timeout,
                    allow_redirects=method == "GET",  # a POST would become one
                    **more,
                )
                if answered.status_code < 500 and answered.status_code not in _AGAIN:
                    return _read(answered)
                problem = f"the site answered {answered.status_code}"
            except _LOST as failed:
                answered = None
                problem = type(failed).__name__
        if answered is not None and answered.status_code < 500:
            return _read(answered)
        raise Unreachable(f"{method} {path}: {problem}, {self.attempts} times")


def _asked_to_wait(answered: requests.Response | None) -> int:
    """Give the seconds for which the site asks to wait (RFC 9110, section 10.2.3), in reason."""
    told = "" if answered is None else answered.headers.get("Retry-After", "")
    return min(int(told), _LONGEST_WAIT) if told.isascii() and told.isdigit() else 0


def _read(answered: requests.Response) -> Any:
    """Give what a call was answered; Refused with every reason when it was not carried out."""
    try:
        told = answered.json()
    except ValueError:
        raise Refused(answered.status_code, ["the site did not answer in JSON"]) from None
    errors = told.get("errors") if isinstance(told, dict) else None
    if answered.status_code >= 300 or errors:
        raise Refused(answered.status_code, errors or ["no reason was given"])
    return told


class Form:
    """A multipart form (RFC 7578) that is made while it is sent, as often as it is sent."""

    def __init__(self, fields: dict[str, str], files: Sequence[Path | Attachment]) -> None:
        self._boundary = uuid.uuid4().hex
        self._fields, self._files = fields, files
        self._length = sum(
            piece if isinstance(piece, int) else len(piece) for piece in self._parts(sizes=True)
        )

    @property
    def content_type(self) -> str:
        """The value of the header."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return (piece for piece in self._parts(sizes=False) if isinstance(piece, bytes))

    def _parts(self, *, sizes: bool) -> Iterator[bytes | int]:
        """Give the bytes, or with `sizes` the size of a file instead of what is in it."""
        for name, value in self._fields.items():
            yield self._head(f'name="{name}"') + value.encode() + b"\r\n"
        for file in self._files:
            yield self._head(f'name="attachments[]"; filename="{_escape(file.name)}"')
            if isinstance(file, Attachment):
                yield file.content
            elif sizes:
                yield file.stat().st_size
            else:
                with file.open("rb") as stream:
                    yield from iter(lambda: stream.read(_PIECE), b"")
            yield b"\r\n"
        yield f"--{self._boundary}--\r\n".encode()

    def _head(self, disposition: str) -> bytes:
        told = f"Content-Disposition: form-data; {disposition}"
        return f"--{self._boundary}\r\n{told}\r\n\r\n".encode()


def _escape(name: str) -> str:
    """Write a file name as browsers do (HTML, section 4.10.22.8)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
