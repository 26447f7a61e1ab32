"""Signing as Standard Webhooks has it, so that any of its libraries can verify what is sent.

A hook's secret is made, as authorities' keys are, from the site's own secret, the hook's number
and its generation: no database holds one (docs/decisions/0004-keys.md). For some days after a
secret was replaced, and as long as the file of secrets holds former ones, each of them signs.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from foi.archive import ledger
from foi.archive.keys import Keys
from foi.webhooks.models import Webhook

OVERLAP = timedelta(days=3)
"""How long the former secret signs beside a new one."""
_PREFIX = "whsec_"


def secret(keys: Keys, hook: Webhook) -> str:
    """Give the secret that the receiver is to be told."""
    return _PREFIX + base64.b64encode(_derive(keys.secret, hook.id, hook.generation)).decode()


def _derive(key: bytes, number: int, generation: int) -> bytes:
    return hmac.new(key, f"foi-webhook:{number}:{generation}".encode(), hashlib.sha256).digest()


def headers(
    keys: Keys, hook: Webhook, message_id: str, moment: datetime, body: bytes
) -> Mapping[str, str]:
    """Give the headers of a message, with a signature by each secret that is good."""
    stamp = str(int(moment.timestamp()))
    signed = f"{message_id}.{stamp}.".encode() + body
    generations = [hook.generation]
    if hook.former_until is not None and ledger.now() < hook.former_until:
        generations.append(hook.generation - 1)
    signatures = [
        _sign(_derive(key, hook.id, generation), signed)
        for generation in generations
        for key in (keys.secret, *keys.former)
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _sign(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
