"""What a column of a disclosure log can hold, and the headings by which authorities call it, in
English and French.

The phrases are those of the logs of British councils, of Canadian summaries of completed requests,
of American request logs and of exports from sites like this one.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "words", "link", "number"]


@dataclass(frozen=True, slots=True)
class Field:
    """What a column may be taken for: its name in `--map`, in words, and its known headings.

    A heading that is one of `phrases` is sure; one that holds all words of one of the `words`
    is likely.
    """

    name: str
    label: str
    kind: Kind
    phrases: tuple[str, ...]
    words: tuple[str, ...] = ()


def _split(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|") if part.strip())


IGNORED = "ignore"
PERSONAL = "personal"

FIELDS = {
    field.name: field
    for field in (
        Field(
            "reference",
            "Reference",
            "text",
            _split(
                "reference|ref|ref no|ref number|reference no|reference number|foi reference|"
                "foi ref|foi ref no|foi no|foi number|foi id|eir reference|foi eir reference|"
                "request reference|request ref|request id|request no|request number|our ref|"
                "our reference|unique reference|unique id|case ref|case reference|case number|"
                "case id|case no|id|log no|log number|file number|file no|tracking number|"
                "tracking no|source ref|request tracking number|ati number|identifier|"
                "disclosure log reference|disclosure reference|numero de la demande|"
                "numero de demande|no de la demande|no de demande|numero de dossier"
            ),
            ("reference", "request number", "request id", "case number", "numero", "foi number"),
        ),
        Field(
            "title",
            "Title",
            "text",
            _split(
                "title|subject|request title|title of request|foi title|subject of request|"
                "request subject|topic|name of request|request name|display title|heading|titre|"
                "sujet|objet|short description|subject matter|foi subject|disclosure title|"
                "freedom of information request|foi request"
            ),
            ("title", "subject", "topic", "titre", "sujet"),
        ),
        Field(
            "text",
            "Text of the request",
            "text",
            _split(
                "request|request text|text of request|text|body|description|request description|"
                "description of request|details|request details|details of request|summary|"
                "summary of request|request summary|information requested|requested information|"
                "nature of request|question|questions|full request|request body|initial request|"
                "what was requested|summary en|text en|summary of the request|wording of request|"
                "english summary|request wording|scope of request|scope|subject of the request|"
                "sommaire|resume|resume de la demande|sommaire de la demande|texte de la demande|"
                "summary fr|description de la demande|french summary|sommaire fr|"
                "request summary en|request summary fr"
            ),
            (
                "summary",
                "request details",
                "request text",
                "information requested",
                "description",
                "sommaire",
                "resume",
            ),
        ),
        Field(
            "response",
            "Text of the answer",
            "text",
            _split(
                "response|response text|answer|reply|our response|council response|full response|"
                "response details|details of response|response summary|summary of response|"
                "text of response|response given|information provided|information released|"
                "information disclosed|reponse"
            ),
            ("response text", "response summary", "reponse"),
        ),
        Field(
            "received",
            "Date received",
            "date",
            _split(
                "date received|received|received date|received on|date of receipt|date sent|sent|"
                "request date|date of request|date requested|requested|requested on|date request|"
                "date logged|logged|date opened|opened|date submitted|submitted|submitted on|"
                "start date|created|created at|date created|receipt date|date request received|"
                "request received|request received date|date in|first sent|date recu|"
                "date de reception|date de la demande|recu le|date|request sent"
            ),
            (
                "date received",
                "received",
                "request date",
                "date requested",
                "date logged",
                "submitted",
                "reception",
            ),
        ),
        Field(
            "answered",
            "Date answered",
            "date",
            _split(
                "date answered|answered|date of response|response date|date responded|responded|"
                "responded on|date response sent|response sent|date closed|closed|closed date|"
                "date completed|completed|completion date|completed date|date of reply|reply date|"
                "date replied|date issued|issued|issue date|date released|released|release date|"
                "date disclosed|disclosure date|date of disclosure|date out|end date|"
                "date published|published|publication date|date response issued|final date|"
                "decision date|date of decision|date de reponse|date de la reponse|"
                "date de fermeture|date de divulgation|last response|date finalised"
            ),
            (
                "response date",
                "date closed",
                "closed",
                "completed",
                "responded",
                "issued",
                "disclosed",
                "released",
                "reponse date",
                "published",
                "fermeture",
            ),
        ),
        Field("year", "Year", "number", _split("year|annee|year en|calendar year")),
        Field("month", "Month", "number", _split("month|mois|month number")),
        Field(
            "outcome",
            "Outcome",
            "words",
            _split(
                "outcome|decision|disposition|result|status|state|final status|request status|"
                "outcome of request|request outcome|response type|response outcome|outcome type|"
                "decision made|outcome original|disclosure decision|final disposition|"
                "disclosed or not|"
                "disposition of request|described state|"
                "display status|disposition en|disposition fr|decision rendue|"
                "disposition de la demande|resultat"
            ),
            ("outcome", "disposition", "status", "decision"),
        ),
        Field(
            "exemptions",
            "Exemptions",
            "words",
            _split(
                "exemption|exemptions|exemption s|exemptions applied|exemption applied|exceptions|"
                "exemptions used|exemption used|exception|exceptions applied|section applied|"
                "exemptions exceptions|exemption exception|sections applied|sections cited|"
                "refusal reason|reason for refusal|refusal reasons|exemptions cited|"
                "exemption cited|exemption section"
            ),
            ("exemption", "exemptions", "exceptions", "refusal reason"),
        ),
        Field(
            "link",
            "Web page",
            "link",
            _split(
                "link|url|web address|web page|webpage|address|page|request url|request link|"
                "link to request|uri|hyperlink|source url|permalink|lien|adresse web|more"
            ),
            ("url", "link", "lien"),
        ),
        Field(
            "files",
            "Files of the answer",
            "link",
            _split(
                "file|files|file name|filename|filenames|file names|attachment|attachments|"
                "document|documents|response link|response url|link to response|response document|"
                "response documents|link to document|link to documents|response file|pdf|download|"
                "downloads|disclosure document|document link|document url|response attachment|"
                "response attachments|attachment link|link to attachment|link to attachments|"
                "link to disclosure|fichier|fichiers|piece jointe|pieces jointes|released records"
            ),
            (
                "attachment",
                "attachments",
                "document",
                "documents",
                "file",
                "files",
                "response link",
                "link response",
                "download",
                "pdf",
            ),
        ),
        Field(
            "authority",
            "Authority",
            "text",
            _split(
                "authority|public body|public authority|body name|authority name|organisation|"
                "organization|council|institution|agency|organisation name|organization name|"
                "public body name|government institution|institution name|agency name|owner org|"
                "owner org title|council name|authority url name|public body url name|org|"
                "institution federale|organisme|nom de l organisation|url name|local authority"
            ),
            ("authority", "organisation", "organization", "institution", "public body"),
        ),
        Field(
            "pages",
            "Pages",
            "number",
            _split(
                "pages|number of pages|no of pages|page count|pages released|pages disclosed|"
                "number of pages released|nombre de pages|pages processed|no pages"
            ),
            ("pages",),
        ),
        Field(
            "department",
            "Department",
            "words",
            _split(
                "department|directorate|service|service area|division|team|business unit|section|"
                "business area|department name|directorate service|service department|branch|"
                "office|area|ministere|direction|responsible department|lead department|theme|"
                "category|categorie|subject area"
            ),
            ("department", "directorate", "service area", "category"),
        ),
        Field(
            "applicant",
            "Kind of requester",
            "words",
            _split(
                "applicant type|requester type|requestor type|type of applicant|"
                "applicant category|"
                "type of requester|type of requestor|requester category|source of request|"
                "category of requester|customer type|applicant group|category of applicant|"
                "type de demandeur|categorie de demandeur|source category"
            ),
            ("applicant type", "requester type", "requestor type", "type de demandeur"),
        ),
        Field(
            "law",
            "Law",
            "words",
            _split(
                "law|law used|legislation|act|foi or eir|foi eir|foi eir type|type of request|"
                "request type|regime|type|access regime|applicable legislation|loi"
            ),
            ("legislation",),
        ),
        Field("tags", "Tags", "words", _split("tags|tag|keywords|keyword|labels|mots cles")),
        Field(
            IGNORED,
            "(not taken)",
            "text",
            _split(
                "source|url title|jurisdiction|due date|deadline|target date|date due|due|"
                "comments|comment|notes|note|days|working days|days taken|number of days|"
                "days to respond|in time|on time|overdue|within 20 days|response time|fee|fees|"
                "fees charged|title is cut from body|row|s no|sl no|umd number|comments en|"
                "comments fr|commentaires|review date|internal review|extension|modified|"
                "handler|officer|case officer|assigned to|owner"
            ),
            ("due", "deadline", "days"),
        ),
        Field(
            PERSONAL,
            "(personal, never taken)",
            "text",
            _split(
                "name|applicant|applicant name|requester|requester name|requestor|requestor name|"
                "name of applicant|name of requester|requested by|customer|customer name|email|"
                "e mail|email address|e mail address|phone|telephone|mobile|address line 1|"
                "postcode|post code|postal address|surname|first name|forename|last name|from|"
                "contact|enquirer|demandeur|nom du demandeur|courriel|requester email|home address"
            ),
            (
                "applicant name",
                "requester name",
                "requestor name",
                "email",
                "telephone",
                "phone",
                "postcode",
                "surname",
                "forename",
                "nom demandeur",
            ),
        ),
    )
}
"""Every field by its name; `ignore` and `personal` take nothing."""

TAKEN = tuple(name for name in FIELDS if name not in (IGNORED, PERSONAL))

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARTS = re.compile(r"\s*(?:/|\||\n| - | – )\s*")
_PHRASES = {phrase: field.name for field in reversed(FIELDS.values()) for phrase in field.phrases}


def plain(text: str) -> str:
    """Give a heading as its bare words: lower case, no accents, no signs."""
    text = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text).replace("№", "no"))
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def by_heading(heading: str) -> tuple[str, bool] | None:
    """Give the field that a heading names and whether that is sure; None when it names none.

    A heading in two languages, `Request Number / Numéro de la demande`, counts by either.
    """
    if len(heading) > 200:
        return None
    without = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", heading)
    tries = [heading, without, *_PARTS.split(heading), *_PARTS.split(without)]
    for each in map(plain, tries):
        if each in _PHRASES:
            return _PHRASES[each], True
    words = set(plain(heading).split())
    if len(words) > 8:
        return None
    best: tuple[int, str] | None = None
    for field in (FIELDS[PERSONAL], *FIELDS.values()):
        for phrase in field.words:
            wanted = phrase.split()
            if words.issuperset(wanted) and (best is None or len(wanted) > best[0]):
                best = len(wanted), field.name
    return (best[1], False) if best is not None else None
