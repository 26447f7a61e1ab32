"""Refusals: the one exception that ends a request with an error of Aleph's shape."""

from typing import Any

GENERIC = "The browser (or proxy) sent a request that this server could not understand."
FORBIDDEN = "You are not authorized to do this."
UNKNOWN = "This path does not exist."
BROKEN = "Internal server error."


class Refused(Exception):
    """The request is refused with a status, a message and further members of the answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more

    def body(self) -> dict[str, Any]:
        """Give the JSON of the answer."""
        return {"status": "error", "message": self.message, **self.more}


def invalid(errors: dict[str, str]) -> Refused:
    """Give the refusal of data that breaks a schema, with every error by its place."""
    return Refused(400, "Error during data validation", errors=errors)


def not_found() -> Refused:
    """Give the 404 that every unknown thing gets."""
    return Refused(404, UNKNOWN)


def bad_request() -> Refused:
    """Give the bare 400 that hides its cause, a taken foreign_id among them."""
    return Refused(400, GENERIC)
