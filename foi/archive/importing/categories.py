"""Reading categories of tags as people write them."""

from foi.archive.categories import LONGEST_TEXT, MOST, Category
from foi.archive.importing.values import check_tags, check_text, one_line


def read_categories(text: str) -> list[Category]:
    """Read titles, each on a line, with lines such as `- council Councils` below them; ValueError
    saying which line is wrong.
    """
    found: dict[str, dict[str, str]] = {}
    tags: dict[str, str] | None = None
    for number, line in enumerate(check_text(text, LONGEST_TEXT).splitlines(), start=1):
        line = one_line(line)
        if line.startswith("-"):
            if tags is None:
                raise ValueError(f"line {number}: a tag stands before the first title")
            tag, words = _tag(line[1:], number)
            tags[tag] = words
        elif line:
            if line in found:
                raise ValueError(f"line {number}: “{line}” stands there twice")
            tags = found[line] = {}
    if len(found) > MOST:
        raise ValueError(f"there are more than {MOST} categories")
    return [Category(title, tuple(tags.items())) for title, tags in found.items()]


def _tag(text: str, number: int) -> tuple[str, str]:
    tag, _, words = text.strip().partition(" ")
    try:
        check_tags([tag])
    except ValueError as wrong:
        raise ValueError(f"line {number}: {wrong}") from None
    return tag, words or tag
