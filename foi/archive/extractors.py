"""Readers of text, one per kind of file, run by `text.py` in a process of their own.

Each library is imported only when its format comes up, so that a text file takes little longer
than an interpreter needs to start. Readers stop at the character limit, and what was read before a
fault or the time limit is kept. Given up: layout, pictures (no OCR), the old binary Office
formats, and whatever lies inside an archive.

The process is given FILE KIND SECONDS MEGABYTES CHARACTERS [PDFTOTEXT]; it answers on standard
output with one line of JSON (state, reason, bytes), then that many bytes of text in UTF-8.
"""

import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from foi.archive.plaintext import Stopped, Text, Unreadable, decode

if TYPE_CHECKING:
    from email.message import EmailMessage
    from zipfile import ZipFile

_WHOLE = 32 * 1024 * 1024  # bytes read of a file that is wanted in one piece
_OPEN_FILES = 64
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_NO_TIME = "time"


def read_plain(path: Path, out: Text) -> None:
    """Read text as it stands, in whatever character set."""
    with path.open("rb") as file:
        data = file.read(8 * out.characters)
    out.add(decode(data))


def read_html(path: Path, out: Text) -> None:
    """Read what a browser would show of a page."""
    from foi.archive.markup import add_html

    add_html(decode(whole(path, out.notes)), out)


def read_rtf(path: Path, out: Text) -> None:
    """Read Rich Text without its pictures and links' addresses."""
    from striprtf.striprtf import rtf_to_text

    # RTF is ASCII; other characters are escapes of the code page that the file names.
    markup = whole(path, out.notes).decode("cp1252", "replace")
    out.add(rtf_to_text(markup, errors="replace"))  # type: ignore[no-untyped-call]


def read_pdf(path: Path, out: Text) -> None:
    """Read the text layer of a PDF with pypdf; a password, if any, must be the empty one."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileNotDecryptedError
        pages = len(reader.pages)
    except FileNotDecryptedError as error:
        raise Unreadable("the file is protected by a password") from error
    except DependencyError as error:
        raise Unreadable("the file is encrypted in a way that is not read here") from error
    unread = 0
    for number in range(pages):
        try:
            out.add(reader.pages[number].extract_text())
        except Exception:  # a broken page must not cost the others
            unread += 1
        out.add("\n\n")
    if unread and unread == pages:
        raise Unreadable("the pages are damaged")
    if unread:
        out.notes.append(f"{unread} of {pages} pages could not be read")


def read_pdf_with(program: str, path: Path, out: Text) -> bool:
    """Read a PDF with poppler's pdftotext, which is faster; tell whether it managed."""
    import subprocess

    command = [program, "-q", "-enc", "UTF-8", str(path), "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            data = process.stdout.read(8 * out.characters) if process.stdout else b""
            full = len(data) == 8 * out.characters
            managed = full or process.wait() == 0
        finally:
            process.kill()
    if managed:
        out.add(data.decode("utf-8", "replace"))
    return managed


def read_email(path: Path, out: Text) -> None:
    """Read a message and those attached to it, with the names of the other files."""
    from email import policy
    from email.parser import BytesParser

    message = BytesParser(policy=policy.default).parsebytes(whole(path, out.notes))
    attached: list[str] = []
    doubled: set[int] = set()  # the HTML twins of plain texts
    for part in message.walk():
        _add_headers(part, out)
        kind, name = part.get_content_type(), _attempt(part.get_filename)
        if kind == "multipart/alternative":
            kinds = {id(one): one.get_content_type() for one in part.walk()}
            if "text/plain" in kinds.values():
                doubled.update(one for one, of in kinds.items() if of == "text/html")
        elif kind.partition("/")[0] in ("multipart", "message"):
            continue
        elif name or kind not in ("text/plain", "text/html"):
            attached.append(name or f"({kind})")
        elif id(part) not in doubled:
            _add_body(part, out)
    out.add("".join(f"\n{name}" for name in attached))


def _add_headers(part: "EmailMessage", out: Text) -> None:
    lines = [(name, _attempt(partial(part.get, name))) for name in _HEADERS]
    if any(value for _, value in lines):
        out.add("\n" + "".join(f"{name}: {value}\n" for name, value in lines if value) + "\n")


def _add_body(part: "EmailMessage", out: Text) -> None:
    from foi.archive.markup import add_html

    data = part.get_payload(decode=True)
    if isinstance(data, bytes):
        text = decode(data, _attempt(part.get_content_charset) or None)
        if part.get_content_type() == "text/html":
            add_html(text, out)
        else:
            out.add(text)
        out.add("\n\n")


def _attempt(look_up: Callable[[], object]) -> str:
    """Return what a message says of itself, or nothing: the library raises on odd headers."""
    try:
        return str(look_up() or "")
    except Exception:
        return ""


def read_zip(path: Path, out: Text) -> None:
    """List the names of an archive's files; nothing is unpacked."""
    with opened(path) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                out.add(_entry_name(entry.filename, bool(entry.flag_bits & 0x800)) + "\n")


def _entry_name(name: str, is_unicode: bool) -> str:
    """Return an entry's name; without the flag code page 437, in practice often UTF-8."""
    try:
        return name if is_unicode else name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def read_office(path: Path, out: Text, kind: str) -> None:
    """Read the parts of an Office Open XML or OpenDocument file."""
    from foi.archive import markup, spreadsheets

    add = {
        "docx": markup.add_docx,
        "pptx": markup.add_pptx,
        "xlsx": spreadsheets.add_xlsx,
    }.get(kind, markup.add_open_document)
    with opened(path) as parts:
        add(parts, out)


def opened(path: Path) -> "ZipFile":
    """Open a container, whose parts are unpacked one by one."""
    from zipfile import ZipFile

    return ZipFile(path)


def whole(path: Path, notes: list[str]) -> bytes:
    """Read a file in one piece, at most 32 MB of it; what is left is noted."""
    with path.open("rb") as file:
        data = file.read(_WHOLE + 1)
    if len(data) > _WHOLE:
        notes.append("only the first 32 MB were read")
    return data[:_WHOLE]


READERS: Mapping[str, Callable[[Path, Text], None]] = MappingProxyType(
    {
        "pdf": read_pdf,
        "rtf": read_rtf,
        "html": read_html,
        "eml": read_email,
        "zip": read_zip,
        **{
            kind: partial(read_office, kind=kind)
            for kind in ("docx", "pptx", "xlsx", "odt", "ods", "odp")
        },
        **dict.fromkeys(("txt", "csv", "vcf", "ics", "json", "xml"), read_plain),
    }
)


def main(arguments: list[str]) -> None:
    """Read one file within the limits and answer on standard output."""
    file, kind, seconds, megabytes, characters, *pdftotext = arguments
    out = Text(int(characters))
    fault = within_limits(
        lambda: _read(Path(file), kind, out, *pdftotext), float(seconds), int(megabytes)
    )
    text = out.tidied()
    if text and fault:
        out.notes.append(f"incomplete: {fault}")
    state = "text" if text else "failed" if fault else "empty"
    answer(state, "; ".join(out.notes) if text or not fault else fault, text)


def _read(path: Path, kind: str, out: Text, pdftotext: str = "") -> None:
    if not (kind == "pdf" and pdftotext and read_pdf_with(pdftotext, path, out)):
        READERS[kind](path, out)


def answer(state: str, reason: str, text: str) -> None:
    """Write what came of it: a line of JSON, then the text."""
    data = text.encode("utf-8", "replace")
    head = {"state": state, "reason": reason or None, "bytes": len(data)}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + data)
    sys.stdout.buffer.flush()


def too_slow(seconds: float) -> str:
    """Return the reason given for a file that is not read in time."""
    return f"it takes longer than {seconds:g} seconds"


def too_large(megabytes: int) -> str:
    """Return the reason given for a file that takes too much memory to read."""
    return f"it takes more than {megabytes:,} MB of memory"


def within_limits(read: Callable[[], None], seconds: float, megabytes: int) -> str:
    """Bound this process for good, read, and return what went wrong, in plain words, or
    nothing.
    """
    _limit(seconds, megabytes)
    try:
        read()
    except Stopped as stopped:
        return too_slow(seconds) if str(stopped) == _NO_TIME else str(stopped)
    except MemoryError:
        return too_large(megabytes)
    except RecursionError:
        return "it is nested too deeply"
    except Unreadable as error:
        return str(error)
    except Exception:  # a file from outside can make a library raise anything at all
        return "the file is damaged"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def _limit(seconds: float, megabytes: int) -> None:
    """Bound this process and those it starts, and have it stop a little early."""
    for what, most in (
        (resource.RLIMIT_AS, megabytes * 1024 * 1024),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGALRM, _stop_for_time)
    signal.setitimer(signal.ITIMER_REAL, seconds * 0.8)


def _stop_for_time(_signal: int, _frame: object) -> NoReturn:
    raise Stopped(_NO_TIME)
