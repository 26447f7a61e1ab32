"""What differs between the flavours: Aleph 3.x, Aleph 4.x and OpenAleph 5.x.

Everything else of the stand-in asks the dialect and never the flavour's name. Gives up: aleph3 is
known from its published description only, so it is Aleph 4 with the documented differences.
"""

from dataclasses import dataclass

from tests.aleph.schemata import SCHEMATA


@dataclass(frozen=True)
class Dialect:
    """The behaviour of one server generation."""

    flavour: str
    version: str
    ftm_version: str
    title: str
    # Searching
    schema_filter_required: bool = True
    broken_query_status: int = 400
    unknown_schema_status: int = 400
    bare_links_in_lists: bool = False
    # Entities
    bucketed: bool = False
    minute_dates_lost: bool = True
    captions: bool = False
    bad_bulk_id_status: int = 400
    value_errors: str = "Invalid value"
    # Collections and people
    slug_foreign_ids: bool = False
    api_key_shown: bool = False
    unsafe_parameter: bool = False
    suggest_from: int = 6
    # Maintenance and files
    tasks_status: bool = False
    jobs_status: bool = False
    touch: bool = True
    entity_ingest: bool = False
    xref_export: str = "POST"
    always_index: bool = False
    resolve_links: bool = False
    healthz: str = "/healthz"

    def bucket(self, schema: str) -> str:
        """Name the index an entity lives in: one per schema, in OpenAleph one of five."""
        if not self.bucketed:
            return schema
        kind = SCHEMATA[schema]
        if schema in ("Page", "Mention"):
            return schema.lower()
        for name in ("Document", "Interval"):
            if kind.is_a(name):
                return name.lower()
        return "thing"


DIALECTS = {
    "aleph": Dialect("aleph", "4.1.6", "3.5.9", "Aleph stand-in"),
    "aleph3": Dialect(
        "aleph3",
        "3.2.11",
        "1.21.2",
        "Aleph 3 stand-in",
        api_key_shown=True,
        jobs_status=True,
        unsafe_parameter=True,
        xref_export="GET",
    ),
    "openaleph": Dialect(
        "openaleph",
        "5.3.1-rc3",
        "4.11.2",
        "OpenAleph stand-in",
        schema_filter_required=False,
        broken_query_status=500,
        unknown_schema_status=500,
        bare_links_in_lists=True,
        bucketed=True,
        minute_dates_lost=False,
        captions=True,
        bad_bulk_id_status=500,
        value_errors="Invalid value: {value!r}",
        slug_foreign_ids=True,
        api_key_shown=True,
        suggest_from=3,
        tasks_status=True,
        touch=False,
        entity_ingest=True,
        always_index=True,
        resolve_links=True,
        healthz="/api/2/healthz",
    ),
}
