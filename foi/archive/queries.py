"""The few conditions that several readers of the archive share."""

from sqlalchemy import ColumnElement, or_, select

from foi.archive.models import Annotation, InfoRequest


def naming(kind: str, number: int) -> ColumnElement[bool]:
    """The condition for requests that name an authority (`body`) or a person who made or annotated
    them (`person`), and so change with its record.
    """
    if kind == "body":
        return InfoRequest.body_id == number
    annotated = select(Annotation.request_id).where(Annotation.person_id == number)
    return or_(InfoRequest.person_id == number, InfoRequest.id.in_(annotated))
