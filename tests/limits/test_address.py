"""Where a call comes from, and who counts as one caller."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foi.limits.address import client, parse, who

PROXIES = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "127.0.0.1", "2001:db8:ffff::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.9", "203.0.113.1", "192.0.2.9"),  # nobody we trust says so
        ("10.1.1.1", "203.0.113.1", "203.0.113.1"),
        ("10.1.1.1", "1.1.1.1, 203.0.113.1", "203.0.113.1"),  # the client made the first one up
        ("10.1.1.1", "203.0.113.1, 10.2.2.2", "203.0.113.1"),  # two proxies of ours
        ("10.1.1.1", "203.0.113.1:4711", "203.0.113.1"),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8:ffff::1", '"2001:db8::7"', "2001:db8::7"),
        ("10.1.1.1", "unknown", "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "203.0.113.1, , 10.2.2.2", "10.2.2.2"),
        ("10.1.1.1", "10.3.3.3", "10.3.3.3"),
        ("", "203.0.113.1", ""),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has(peer: str, forwarded: str, found: str) -> None:
    assert client(peer, forwarded, PROXIES) == found


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert client("127.0.0.1", "203.0.113.1", ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_who_counts_as_one(address: str, one: str) -> None:
    assert who(address) == one


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_that_is_sent_does_harm(peer: str, forwarded: str) -> None:
    assert len(who(client(peer, forwarded, PROXIES))) <= 60 or parse(peer) is not None
