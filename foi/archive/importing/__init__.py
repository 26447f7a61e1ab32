"""Bringing real data in from files: authorities as CSV, requests with their correspondence as JSON
Lines.

Every change goes through casework, so imported rows are announced, indexed and bridged like any
other. A second run of a file changes nothing, and a bad line never costs a good one.
docs/import.md describes both formats.
"""

from foi.archive.importing.authorities import import_authorities
from foi.archive.importing.report import Progress, Refusal, Report, UnusableFile
from foi.archive.importing.requests import import_requests

__all__ = [
    "Progress",
    "Refusal",
    "Report",
    "UnusableFile",
    "import_authorities",
    "import_requests",
]
