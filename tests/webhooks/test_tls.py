"""Over TLS: whoever cannot prove to be the host of the address gets nothing."""

import ipaddress
import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from foi.webhooks import sending
from tests.webhooks.receiver import receiving


def certificate(folder: Path, address: str) -> Path:
    """Make a certificate for an IP address, signed by itself, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{address}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(autouse=True)
def _nobody_is_trusted_yet() -> Iterator[None]:
    """What is trusted is read again: each test has another certificate."""
    sending._trust.cache_clear()
    yield
    sending._trust.cache_clear()


@pytest.mark.parametrize(
    ("address", "known", "taken"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("192.0.2.1", True, False)],
)
def test_only_the_host_of_the_address_is_told(
    address: str, known: bool, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with receiving(context) as receiver, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        answer = sending.send(receiver.url, b"{}", {}, private=True)
        assert answer.taken is taken
        assert len(receiver.got) == taken
        if not taken:
            assert "certificate" in answer.told.lower()
