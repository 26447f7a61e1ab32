"""The part of the FollowTheMoney model that the stand-in knows, as a compact table of its own.

A bridge validates against ``/metadata`` and Aleph drops unknown properties in silence, so the
stand-in needs schemata, parents, property types and references. Gives up: schemata no archive of
requests needs (ships, land, sanctions), and most labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

# name|plural|parents|flags|properties. A property is name[:type][!]; no type means string, "!"
# means required; a reference is name:>Range/reverse.
_TABLE = """
Thing|Things||abstract|name:name alias:name previousName:name weakAlias:name summary:text \
description:text country:country topics:topic notes:text sourceUrl:url publisher publisherUrl:url \
wikipediaUrl:url wikidataId:identifier keywords address:address addressEntity:>Address/things \
program proof:>Document/proven indexText:text createdAt:date modifiedAt:date retrievedAt:date \
alephUrl:url
Interval|Intervals||abstract|startDate:date endDate:date date:date summary:text description:text \
recordId:identifier sourceUrl:url publisher publisherUrl:url indexText:text modifiedAt:date \
retrievedAt:date proof:>Document/provenIntervals alephUrl:url
Interest|Interests|Interval|abstract|role status
Analyzable|Analyzables||abstract|detectedLanguage:language detectedCountry:country \
namesMentioned:name peopleMentioned:name companiesMentioned:name ibanMentioned:iban \
ipMentioned:ip locationMentioned:address phoneMentioned:phone emailMentioned:email
Asset|Assets|Thing|abstract|currency amount:number amountUsd:number
Address|Addresses|Thing|matchable|full:address street city postalCode region state
LegalEntity|Legal entities|Thing|matchable|email:email phone:phone website:url legalForm \
incorporationDate:date dissolutionDate:date status sector classification \
registrationNumber:identifier idNumber:identifier taxNumber:identifier vatCode:identifier \
jurisdiction:country mainCountry:country parent:>LegalEntity/subsidiaries \
leiCode:identifier dunsCode:identifier name:name!
Person|People|LegalEntity|matchable|title firstName:name secondName:name middleName:name \
lastName:name fatherName:name birthDate:date birthPlace birthCountry:country deathDate:date \
position nationality:country citizenship:country gender:gender education \
passportNumber:identifier
Organization|Organizations|LegalEntity|matchable|cageCode:identifier
Company|Companies|Organization Asset|matchable|capital voenCode:identifier coatoCode:identifier
PublicBody|Public bodies|Organization|matchable|
UserAccount|User accounts|Thing||email:email number:phone service username password \
owner:>LegalEntity/userAccounts
Document|Documents|Thing Analyzable||contentHash:checksum fileName fileSize:number extension \
encoding mimeType:mimetype parent:>Folder/children ancestors:>Folder/descendants \
processingStatus processingAgent processingError processedAt:date title author generator \
crawler date:date authoredAt:date publishedAt:date messageId language:language bodyText:text \
translatedLanguage:language translatedText:text
Folder|Folders|Document|generated|
Package|Packages|Folder|generated|
Workbook|Workbooks|Folder|generated|
PlainText|Text files|Document|generated|
HyperText|Web pages|Document|generated|bodyHtml:html
Pages|Documents|Document|generated|pdfHash:checksum
Page|Pages||generated|document:>Pages/pages index:number bodyText:text
Image|Images|Document|generated|
Audio|Audio files|Document|generated|duration:number
Video|Videos|Document|generated|duration:number
Table|Tables|Document|generated|columns:json rowCount:number csvHash:checksum
Email|E-Mails|HyperText PlainText Folder|generated|subject threadTopic headers:json from to cc \
bcc sender emitters:>LegalEntity/emailsSent recipients:>LegalEntity/emailsReceived inReplyTo \
inReplyToEmail:>Email/responses
Message|Messages|Interval Folder HyperText PlainText|generated|subject threadTopic \
sender:>LegalEntity/messagesSent senderAccount:>UserAccount/messagesSent \
recipients:>LegalEntity/messagesReceived inReplyTo inReplyToMessage:>Message/responses metadata
Article|Articles|Document||
Mention|Mentions||generated|document:>Document/mentions resolved:>LegalEntity/mentionedIn \
name:name! detectedCountry:country
Event|Events|Interval Analyzable Thing|matchable|involved:>Thing/eventsInvolved \
organizer:>Organization/eventsOrganized location:address important
Note|Notes|Interval Analyzable Thing||entity:>Thing/notesOn
Assessment|Assessments|Thing||assessmentId publishDate:date author:>LegalEntity/assessments
Project|Projects|Interval Thing||status phase goal amount:number projectId:identifier
CourtCase|Court cases|Thing||category court status caseNumber:identifier fileDate:date \
closeDate:date
Documentation|Documentations|Interest|edge|document:>Document/relatedEntities! \
entity:>Thing/documentedBy!
UnknownLink|Links|Interest|edge|subject:>Thing/unknownLinkTo! object:>Thing/unknownLinkFrom!
Ownership|Ownerships|Interest|edge|owner:>LegalEntity/ownershipOwner! \
asset:>Asset/ownershipAsset! percentage
Directorship|Directorships|Interest|edge|director:>LegalEntity/directorshipDirector! \
organization:>Organization/directorshipOrganization!
Membership|Memberships|Interest|edge|member:>LegalEntity/membershipMember! \
organization:>Organization/membershipOrganization!
Employment|Employments|Interest|edge|employer:>Organization/employees! \
employee:>Person/employers!
Representation|Representations|Interest|edge|agent:>LegalEntity/agencyClient! \
client:>LegalEntity/agentRepresentation!
Family|Family members|Interest|edge|person:>Person/familyPerson! \
relative:>Person/familyRelative! relationship
Associate|Associates|Interest|edge|person:>Person/associates! associate:>Person/associations! \
relationship
Payment|Payments|Interest|edge|payer:>LegalEntity/paymentPayer! \
beneficiary:>LegalEntity/paymentBeneficiary! purpose amount:number currency
"""

_CAPTIONS = {
    "Document": ["fileName", "title"],
    "Email": ["subject", "threadTopic", "title", "name", "fileName"],
    "Message": ["subject", "threadTopic", "title", "fileName"],
    "Documentation": ["role"],
    "Page": ["index"],
}

# Property type -> the field of the search index that gathers it.
GROUPS = {
    "name": "names",
    "country": "countries",
    "language": "languages",
    "date": "dates",
    "email": "emails",
    "phone": "phones",
    "url": "urls",
    "mimetype": "mimetypes",
    "checksum": "checksums",
    "entity": "entities",
    "topic": "topics",
    "address": "addresses",
    "iban": "ibans",
    "ip": "ips",
    "gender": "genders",
    "identifier": "identifiers",
}
TYPES = sorted({*GROUPS, "string", "text", "html", "json", "number"})


@dataclass(frozen=True)
class Property:
    """One property of a schema; ``range`` and ``reverse`` are set for references."""

    name: str
    type: str = "string"
    range: str = ""
    reverse: str = ""


@dataclass
class Schema:
    """One schema with the properties of its parents."""

    name: str
    plural: str
    extends: list[str]
    flags: set[str]
    own: dict[str, Property]
    own_required: set[str]
    properties: dict[str, Property] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    schemata: set[str] = field(default_factory=set)

    @property
    def abstract(self) -> bool:
        """Say whether entities of it are never indexed."""
        return "abstract" in self.flags

    def is_a(self, name: str) -> bool:
        """Say whether this is the named schema or a descendant of it."""
        return name in self.schemata

    @property
    def caption(self) -> list[str]:
        """Give the properties a title is taken from, best first."""
        for name in (self.name, "Message", "Email", "Document"):
            if name in _CAPTIONS and self.is_a(name):
                return _CAPTIONS[name]
        return ["name"]


def _parse(word: str) -> tuple[Property, bool]:
    needed = word.endswith("!")
    name, _, kind = word.rstrip("!").partition(":")
    if kind.startswith(">"):
        target, _, reverse = kind[1:].partition("/")
        return Property(name, "entity", target, reverse), needed
    return Property(name, kind or "string"), needed


def _load() -> dict[str, Schema]:
    schemata: dict[str, Schema] = {}
    for line in _TABLE.strip().splitlines():
        name, plural, extends, flags, words = line.split("|")
        parsed = [_parse(word) for word in words.split()]
        own = {prop.name: prop for prop, _ in parsed}
        required = {prop.name for prop, needed in parsed if needed}
        schemata[name] = Schema(name, plural, extends.split(), set(flags.split()), own, required)
    for schema in schemata.values():
        for ancestor in _lineage(schemata, schema.name):
            parent = schemata[ancestor]
            schema.schemata.add(ancestor)
            schema.properties = {**parent.own, **schema.properties}
            schema.required |= parent.own_required
    return schemata


def _lineage(schemata: dict[str, Schema], name: str) -> Iterator[str]:
    yield name
    for parent in schemata[name].extends:
        yield from _lineage(schemata, parent)


SCHEMATA: dict[str, Schema] = _load()


def common(one: str, other: str) -> str | None:
    """Give the more special of two schemata when one descends from the other, else None."""
    if SCHEMATA[one].is_a(other):
        return one
    return other if SCHEMATA[other].is_a(one) else None


@cache
def descendants(name: str) -> frozenset[str]:
    """Give the schemata that are the named one or below it; KeyError when unknown."""
    _ = SCHEMATA[name]
    return frozenset(other for other, schema in SCHEMATA.items() if schema.is_a(name))


@cache
def description() -> dict[str, Any]:
    """Give the ``model`` member of ``/metadata``."""
    return {
        "types": {
            name: {"label": name.title(), "plural": f"{name.title()}s", "description": name}
            | ({"group": GROUPS[name]} if name in GROUPS else {})
            for name in TYPES
        },
        "schemata": {name: _describe(schema) for name, schema in SCHEMATA.items()},
    }


def _describe(schema: Schema) -> dict[str, Any]:
    out: dict[str, Any] = {
        "label": schema.name,
        "plural": schema.plural,
        "schemata": sorted(schema.schemata),
        "extends": schema.extends,
        "featured": [*schema.caption, *sorted(schema.required - set(schema.caption))],
        "required": sorted(schema.required),
        "caption": schema.caption,
        "properties": {prop.name: _describe_property(prop) for prop in schema.own.values()},
    }
    out |= {flag: True for flag in schema.flags if flag in ("abstract", "matchable", "generated")}
    if "edge" in schema.flags:
        ends = [prop.name for prop in schema.own.values() if prop.type == "entity"]
        out["edge"] = {"source": ends[0], "target": ends[1], "directed": False}
    return out


def _describe_property(prop: Property) -> dict[str, Any]:
    out: dict[str, Any] = {"name": prop.name, "label": prop.name, "type": prop.type}
    if prop.range:
        out |= {"range": prop.range, "reverse": prop.reverse}
    return out
