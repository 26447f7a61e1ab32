"""What authorities' software sends, put together by hand where WebTest is too well-behaved."""

import json
from typing import Any

import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Body, InfoRequest
from foi.site import Site
from tests.conftest import add_body, key_for

LETTER = "Dear Council,\n\nHow many lamp posts are there?\n\nYours faithfully"
CREATION: dict[str, Any] = {
    "title": "Lamp posts in Mill Lane",
    "body": LETTER,
    "external_user_name": "Bob Rushes",
    "external_url": "https://register.test/requests/1",
}
ANSWER: dict[str, Any] = {
    "direction": "response",
    "body": "There are twelve.",
    "sent_at": "2026-03-20T09:30:00+00:00",
}
MULTIPART = "multipart/form-data; boundary=BOUNDARY"


class Authority:
    """An authority with its key, and its calls."""

    def __init__(self, web: webtest.TestApp, site: Site, db: Session) -> None:
        self.web, self.site, self.db = web, site, db
        self.body: Body = add_body(db, "Fenby Town Council")
        self.key = key_for(site, self.body)

    def create(self, status: int = 200, **changed: Any) -> Any:
        """Create a request and give the answer."""
        document = {n: v for n, v in (CREATION | changed).items() if v is not ...}
        fields = {"k": self.key, "json": json.dumps(document)}
        return self.web.post("/api/v2/request", fields, status=status)

    def made(self, **changed: Any) -> InfoRequest:
        """Create a request and give its row."""
        return self.db.get_one(InfoRequest, self.create(**changed).json["id"])

    def add(self, request: InfoRequest, status: int = 200, **changed: Any) -> Any:
        """Add a message and give the answer."""
        document = {n: v for n, v in (ANSWER | changed).items() if v is not ...}
        fields = {"k": self.key, "json": json.dumps(document)}
        return self.web.post(f"/api/v2/request/{request.id}.json", fields, status=status)

    def send(
        self, path: str, body: bytes, content_type: str = MULTIPART, status: int | None = None
    ) -> Any:
        """Post bytes as they are, with the key in the query."""
        headers = {"Content-Type": content_type}
        if "k=" not in path:
            path = f"{path}?k={self.key}"
        answered = self.web.post(path, body, headers, status=status, expect_errors=not status)
        # WebOb copies a large body into a file, which nobody closes.
        answered.request.body_file_raw.close()
        return answered

    def describe(self, request: InfoRequest, state: str) -> None:
        """Let somebody else describe the request."""
        casework.classify(self.db, request, "desk", state)
        self.db.flush()


def multipart(*parts: tuple[str, bytes], boundary: str = "BOUNDARY", end: bool = True) -> bytes:
    """Join parts, each given as its header lines and its content."""
    lines = [
        f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n"
        for headers, content in parts
    ]
    return b"".join(lines) + (f"--{boundary}--\r\n".encode() if end else b"")


def field(name: str, value: str | bytes) -> tuple[str, bytes]:
    """Make a plain part."""
    content = value.encode() if isinstance(value, str) else value
    return f'Content-Disposition: form-data; name="{name}"', content


def upload(name: str, filename: str, content: bytes) -> tuple[str, bytes]:
    """Make a file part."""
    return f'Content-Disposition: form-data; name="{name}"; filename="{filename}"', content
