"""Clean text out of bytes of unknown origin: its character set, and what to leave out.

Shared by the sniffing of file types and the readers of text, which run in a process of their own;
it therefore imports nothing of the project. Given up: telling Western European 8-bit character
sets apart from each other (they are read as windows-1252, of which the others are near subsets).
"""

import codecs
import re
import unicodedata

_SAMPLE = 64 * 1024

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*=\s*["']?\s*([a-z0-9][a-z0-9._:-]{1,39})""", re.IGNORECASE
)
# What a guess may come to, besides windows-1252; a longer list makes wrong guesses likelier.
_FOREIGN = [
    *("cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("mac_roman", "cp850", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
]
# Declared, these are believed of bytes that look like ASCII.
_SEVEN_BIT = frozenset(
    (
        "utf-7",
        "hz",
        "iso2022_kr",
        "iso2022_jp",
        *(f"iso2022_jp_{n}" for n in (1, 2, 3, "2004", "ext")),
    )
)
# In the Latin alphabets of Central Europe read as windows-1252, symbols stand inside words.
_TORN_WORD = re.compile("[^\\W\\d_][\xa1-\xbf\ufffd\u2030-\u2044][^\\W\\d_]")

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls other than tab and newline, soft hyphens, overrides of the reading direction, lone
# surrogates, and what no XML may hold.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u202a-\u202e\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_BLANKS = re.compile(r"[^\S\n\t]+")
_TABS = re.compile(r" ?\t[ \t]*")
_LINE_EDGES = re.compile(r"^ +|[ \t]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")


class Unreadable(Exception):
    """The file cannot be read, for a reason in plain words."""


class Stopped(BaseException):
    """A limit is reached, what was read stands; no Exception, so that libraries let it pass."""


class Text:
    """Collects what a reader finds, and raises Stopped when there is enough of it."""

    def __init__(self, characters: int) -> None:
        self.characters = characters
        self.notes: list[str] = []
        self._parts: list[str] = []
        self._room = 2 * characters  # tidying shortens, so take more than is wanted

    def add(self, text: str) -> None:
        """Append text; raises Stopped when full."""
        if text:
            self._parts.append(text[: self._room])
            self._room -= len(text)
        if self._room < 0:
            raise Stopped

    def end_line(self) -> None:
        """Begin a new line, unless at the beginning of one."""
        if self._parts and not self._parts[-1].endswith("\n"):
            self.add("\n")

    def tidied(self) -> str:
        """Return everything collected, tidied and cut; a cut is noted."""
        text = tidy("".join(self._parts))
        if self._room < 0 or len(text) > self.characters:
            self.notes.append(f"cut at {self.characters:,} characters")
        return text[: self.characters].rstrip()


def charset(data: bytes, declared: str | None = None) -> str:
    """Return the codec to read `data` with.

    In this order: its byte order mark, UTF-16 by its many NULs, UTF-8 if it holds true (a stray
    byte is forgiven), the `declared` name if Python knows it, and a guess that favours
    windows-1252.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    sample = data[:_SAMPLE]
    if sample.count(0) > len(sample) // 4:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    known = _known(declared)
    if known in _SEVEN_BIT:
        return known
    if data.isascii() or _is_utf8(data):
        return "utf-8"
    return known or _guess(data)


def decode(data: bytes, declared: str | None = None) -> str:
    """Return `data` as text; a byte that fits nowhere becomes U+FFFD.

    Without `declared`, an XML or HTML declaration within the first 2,048 bytes is heeded.
    """
    if declared is None and (found := _DECLARED.search(data[:2048])):
        declared = found[1].decode("ascii")
    return data.decode(charset(data, declared), "replace")


def tidy(text: str) -> str:
    """Return `text` in NFC without controls, lone surrogates and runs of blanks or blank lines."""
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    text = _TABS.sub("\t", _BLANKS.sub(" ", text))
    text = _BLANK_LINES.sub("\n\n", _LINE_EDGES.sub("", text))
    return unicodedata.normalize("NFC", text).strip()


def without_controls(text: str) -> str:
    """Return `text` without controls, overrides of the reading direction and lone surrogates."""
    return _UNWANTED.sub("", text)


def _is_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    foreign = len(text) - len(text.encode("ascii", "ignore")) - broken
    return broken * 10 <= foreign


def _known(name: str | None) -> str | None:
    """Return the codec of a declared name, unless Python has none or it is not for text."""
    try:
        b"a".decode(name or "")  # refuses what is not text (rot13, hex)
        known = codecs.lookup(name or "").name
    except (LookupError, ValueError):
        return None
    if known.startswith("utf") and known not in _SEVEN_BIT:
        return None  # the bytes have shown that they are not
    return "cp1252" if known in ("iso8859-1", "ascii") else known


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    lines = [line for line in data[: 16 * _SAMPLE].splitlines() if not line.isascii()]
    sample = b"\n".join(lines)[: _SAMPLE // 2]
    western = sample.decode("cp1252", "replace")
    dense = sum(byte > 127 for byte in sample) * 4 > len(sample)
    torn = len(_TORN_WORD.findall(western)) * 20 > len(western.split())
    best = from_bytes(sample, cp_isolation=_FOREIGN).best() if dense or torn else None
    return best.encoding if best else "cp1252"
