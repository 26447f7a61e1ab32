"""Where a call comes from: the peer's address, or what a trusted proxy says (X-Forwarded-For).

Anybody can write that header, so it counts only as far as trusted proxies have written it, read
from its end. What is found takes the peer's place before anything else looks at it.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence

from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")
_LONGEST = 2000


def who(address: str) -> str:
    """Give what is counted as one caller: an IPv4 address, or the /64 network of an IPv6 one,
    since one customer has all of it (RFC 6177).
    """
    if ":" not in address:
        return address[:60]
    known = parse(address)
    if known is None or known.version == 4:
        return str(known or address)[:60]
    return str(ipaddress.ip_network((int(known), 64), strict=False))


def parse(text: str) -> Address | None:
    """Read an address as it stands in X-Forwarded-For, with or without brackets and port; an IPv4
    address inside an IPv6 one is that IPv4 address.
    """
    text = text.strip().strip('"')
    found = _WITH_PORT.fullmatch(text)
    try:
        known = ipaddress.ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known


def client(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Give the address of the client: the last one that no trusted proxy has."""
    found = peer
    hops = forwarded[-_LONGEST:].split(",")
    while _is_trusted(parse(found), trusted) and hops:
        known = parse(hops.pop())
        if known is None:
            break
        found = str(known)
    return found


def _is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(
        address.version == network.version and address in network for network in trusted
    )


def tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Put the client's address in the place of the proxy's; on only where proxies are trusted."""
    trusted = registry["foi.site"].settings.trusted_proxies

    def tween(request: Request) -> Response:
        environ = request.environ
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", "")
        if forwarded:
            environ["REMOTE_ADDR"] = client(environ.get("REMOTE_ADDR", ""), forwarded, trusted)
        return handler(request)

    return tween
