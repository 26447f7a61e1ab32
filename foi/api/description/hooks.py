"""What the site sends to webhooks (OpenAPI 3.1), in the form of Standard Webhooks.
`docs/authorities.md` says the same in prose.
"""

from typing import Any

from foi.api.description.operations import operation
from foi.api.description.shapes import Schema, moment, number, one_of, record, ref, text
from foi.archive.kinds import PUBLIC_KINDS

TEST = "test"
_HEADERS = {
    "webhook-id": "The same whenever the same thing is sent.",
    "webhook-timestamp": "When it is sent, in seconds since 1970.",
    "webhook-signature": "Signatures by the hook's secret, parted by blanks: `v1,...`.",
}
SCHEMAS: dict[str, Schema] = {
    "HookMessage": record(
        "What a webhook is told.",
        {
            "type": one_of([TEST, *PUBLIC_KINDS], "The kind of event."),
            "timestamp": moment("When it happened."),
            "data": {
                "anyOf": [
                    ref("ToldEvent"),
                    record("Of a test.", {"webhook": number("The number of the webhook.")}),
                ]
            },
        },
    )
}
_TOLD = operation(
    "hook",
    "Something happened, told as it is in `/events.json`.",
    "Writing",
    {
        "2XX": {"description": "Taken, within ten seconds."},
        "410": {"description": "Not wanted any more: the webhook is disabled."},
        "default": {"description": "Anything else: it is sent again, later and later."},
    },
    [
        {"name": name, "in": "header", "required": True, "description": said, "schema": text()}
        for name, said in _HEADERS.items()
    ],
)
WEBHOOKS: dict[str, Any] = {
    "event": {
        "post": _TOLD
        | {
            "security": [],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("HookMessage")}},
            },
        }
    }
}
