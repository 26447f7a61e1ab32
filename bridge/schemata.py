"""Words that Aleph has for what we have: schemata of files by media type, languages, countries.

Aleph finds the schema of an upload itself; the table is for the export, where nobody else does.
It follows ingest-file's own choice. What it gives up: kinds that an answer hardly ever holds.
"""

_SCHEMATA = {
    "text/csv": "Table",
    "text/html": "HyperText",
    "application/xml": "HyperText",
    "message/rfc822": "Email",
    "application/vnd.ms-outlook": "Email",
    "application/pdf": "Pages",
    "application/rtf": "Pages",
    "application/msword": "Pages",
    "application/vnd.ms-powerpoint": "Pages",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Pages",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "Pages",
    "application/vnd.oasis.opendocument.text": "Pages",
    "application/vnd.oasis.opendocument.presentation": "Pages",
    "application/vnd.ms-excel": "Workbook",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Workbook",
    "application/vnd.oasis.opendocument.spreadsheet": "Workbook",
    "application/zip": "Package",
}
_FAMILIES = {"text": "PlainText", "image": "Image", "audio": "Audio", "video": "Video"}

# ISO 639-1 -> ISO 639-2/T, which FollowTheMoney keeps: the languages of Europe's authorities.
_LANGUAGES = {
    "bg": "bul", "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan", "de": "deu", "el": "ell",
    "en": "eng", "es": "spa", "et": "est", "eu": "eus", "fi": "fin", "fr": "fra", "ga": "gle",
    "gd": "gla", "gl": "glg", "hr": "hrv", "hu": "hun", "is": "isl", "it": "ita", "lt": "lit",
    "lv": "lav", "mk": "mkd", "mt": "mlt", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por",
    "ro": "ron", "sk": "slk", "sl": "slv", "sq": "sqi", "sr": "srp", "sv": "swe", "uk": "ukr",
}  # fmt: skip


def schema_of(media_type: str) -> str:
    """Give the schema of a file; `Document` for what is not known."""
    plain = media_type.partition(";")[0].strip().lower()
    return _SCHEMATA.get(plain) or _FAMILIES.get(plain.partition("/")[0], "Document")


def language_of(locale: str) -> str | None:
    """Give the three-letter code of a locale such as `en-GB`; None when it is not known."""
    return _LANGUAGES.get(locale.replace("_", "-").partition("-")[0].lower())


def country_of(jurisdiction: str) -> str:
    """Give the country code of a jurisdiction such as `GB-SCT`."""
    return jurisdiction.partition("-")[0].lower()
