"""Plain text as safe HTML: paragraphs, links, quoted replies folded."""

import re

from markupsafe import Markup, escape

_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]]+", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_TRAILING = ".,;:!?)'\""
# Where mail programs begin what they quote: a line of their own, or Outlook's block of headers.
_QUOTED = re.compile(
    r"(?m)^(?:-{2,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht) ?-{2,}|_{20,}"
    r"|\*?(?:From|Von): .{1,200}\n(?:.*\n){0,2}?\*?(?:Sent|Gesendet): .*)\s*$",
    re.IGNORECASE,
)
_QUOTE_LINES = re.compile(r"(?m)(?:^>.*(?:\n|\Z)){3,}")
# Without one of these there is nothing for the two patterns, which cost more than the rest.
_SIGNS = ("--", "____", "from:", "von:", ">")


def to_html(text: str) -> Markup:
    """Give a plain text as HTML: blank lines part paragraphs, line ends stay, http(s) addresses
    are links.
    """
    paragraphs = (part for part in _BLANK_LINES.split(text.strip()) if part.strip())
    # Plain strings, marked as safe once: this is most of the work of a request's page.
    return Markup("\n".join(f"<p>{_linked(part)}</p>" for part in paragraphs))  # noqa: S704


def folded(text: str) -> Markup:
    """Give a letter as HTML with what it quotes of earlier letters folded away."""
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS):
        return to_html(text)
    parts: list[Markup] = []
    rest = text
    tail = ""
    for quoted in _QUOTED.finditer(rest):
        if rest[: quoted.start()].strip():  # a letter that is a quotation throughout stays open
            rest, tail = rest[: quoted.start()], rest[quoted.start() :]
            break
    position = 0
    for quote in _QUOTE_LINES.finditer(rest):
        parts += [to_html(rest[position : quote.start()]), _fold(quote.group())]
        position = quote.end()
    parts.append(to_html(rest[position:]))
    if tail:
        parts.append(_fold(tail))
    return Markup("\n").join(part for part in parts if part)


def _fold(text: str) -> Markup:
    return Markup(
        '<details class="quoted"><summary>Show quoted text</summary>{}</details>'
    ).format(to_html(text))


def _linked(text: str) -> str:
    if "://" not in text:
        return _lines(text)
    pieces: list[str] = []
    position = 0
    for found in _ADDRESS.finditer(text):
        address = found.group().rstrip(_TRAILING)
        safe = escape(address)
        pieces.append(_lines(text[position : found.start()]))
        pieces.append(f'<a href="{safe}" rel="nofollow ugc">{safe}</a>')
        position = found.start() + len(address)
    pieces.append(_lines(text[position:]))
    return "".join(pieces)


def _lines(text: str) -> str:
    return str(escape(text)).replace("\n", "<br>\n")


def first_words(text: str, length: int = 200) -> str:
    """Give the beginning of a text on one line, cut at a word."""
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    return flat[:length].rsplit(" ", 1)[0] + " …"
