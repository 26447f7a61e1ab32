"""`foi bridge doctor`: when everything is right, and when everything is wrong."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from foi.archive.ledger import now
from foi.archive.models import Delivery
from foi.cli import main
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.commands import run, told
from tests.bridge.conftest import Open, joined
from tests.bridge.records import COLLECTION, make
from tests.bridge.servers import serving

KEY = "s3cret-key-0123456789"


@pytest.fixture(autouse=True)
def _no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def states(site: Site, *words: str, status: int) -> dict[str, tuple[str, str]]:
    """Give what the doctor finds, by check, once its exit status is as expected."""
    found = told(site, "doctor", *words, status=status)
    assert found["ok"] is (status == 0)
    every = [*found["checks"], *(each for one in found["targets"] for each in one["checks"])]
    return {each["check"]: (each["state"], each["text"]) for each in every}


def problem(site: Site, check: str) -> str:
    """Give the sentence of what is a problem."""
    state, text = states(site, status=1)[check]
    assert state == "problem"
    assert KEY not in run(site, "doctor").output
    return text


def test_all_is_well_after_a_push(site: Site, aleph: Aleph) -> None:
    make(site)
    assert run(site, "push").exit_code == 0
    with site.sessions.writing() as db:
        db.query(Delivery).delete()
    found = states(site, status=0)
    wrong = {name for name, (state, _) in found.items() if state != "ok"}
    assert wrong == {"site.url"}  # it is on localhost, and so is this Aleph
    assert found["server"][1].endswith(aleph.server.dialect.version)
    assert "Plain User (role 5), no admin" in found["holder"][1]
    assert f"{COLLECTION} can be written" in found["collection"][1]
    text = run(site, "doctor").stdout
    assert "ok       key: is good" in text
    assert aleph.user_key not in text


def test_an_admins_key_is_told(open_: Open, aleph: Aleph) -> None:
    site = joined(open_, aleph, key=aleph.admin_key)
    make(site)
    run(site, "push")
    assert "Admin (role 4), an admin" in states(site, status=0)["holder"][1]
    run(site, "permissions", "grant", "everyone")
    assert "read by the public" in states(site, status=0)["collection"][1]


def test_what_was_not_pushed_yet_is_a_warning(site: Site) -> None:
    assert states(site, status=0)["collection"][0] == "warning"


def test_a_key_that_expires_soon_is_a_warning(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    soon = datetime.now(UTC) + timedelta(days=20, hours=1)
    aleph4.key_expires(soon.replace(tzinfo=None).isoformat())
    state, text = states(site, status=0)["expiry"]
    assert (state, "in 20 days" in text) == ("warning", True)
    late = soon + timedelta(days=365)
    aleph4.key_expires(late.replace(tzinfo=None).isoformat())
    assert states(site, status=0)["expiry"][0] == "ok"


def test_a_bad_key_is_a_problem_and_not_shown(open_: Open, aleph: Aleph) -> None:
    assert "nobody's" in problem(joined(open_, aleph, key=KEY), "key")
    assert "has no key" in problem(joined(open_, aleph, key=""), "key")
    assert "characters" in problem(joined(open_, aleph, key=f"{KEY} ü"), "key")
    aleph.revoke()
    assert "nobody's" in problem(joined(open_, aleph), "key")


def test_a_collection_of_somebody_else_is_a_problem(open_: Open, aleph4: Aleph) -> None:
    admins = joined(open_, aleph4, key=aleph4.admin_key)
    make(admins)
    run(admins, "push")
    run(admins, "permissions", "grant", "everyone")
    assert "may not write" in problem(joined(open_, aleph4), "collection")


def test_without_settings_it_says_which(open_: Open) -> None:
    assert "aleph.host is empty" in problem(open_(), "settings")
    assert (
        "no target"
        in states(open_(aleph__host="http://127.0.0.1:9"), "--target", "x", status=1)["settings"][
            1
        ]
    )


def test_a_site_that_does_not_open_is_a_problem(tmp_path: Path) -> None:
    ini = tmp_path / "site.ini"
    ini.write_text(
        f"[app:main]\ndata = {tmp_path}/var\nbridge.file = {tmp_path}/no.toml\n"
        "foi.extensions = bridge\n"
    )
    for words, status in ((["doctor"], 1), (["status"], 2)):
        result = CliRunner().invoke(main, ["--ini", str(ini), "bridge", *words])
        assert result.exit_code == status
        assert "bridge.file" in result.output
        assert "no.toml cannot be read" in result.output


@pytest.mark.parametrize(
    ("host", "check", "said"),
    [
        ("http://127.0.0.1:9", "reach", "nothing answers there"),
        ("https://no-such-host.invalid", "address", "not known here"),
    ],
)
def test_an_address_that_leads_nowhere(open_: Open, host: str, check: str, said: str) -> None:
    site = open_(aleph__host=host, aleph__api_key=KEY)
    assert said in problem(site, check)


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (200, {}, "not an Aleph"),
        (401, {}, "not an Aleph"),
        (404, {}, "not an Aleph"),
        (301, {"Location": f"https://aleph.example/login?key={KEY}"}, "has moved to"),
        (502, {}, "down or overloaded"),
        (429, {"Retry-After": "3600"}, "down or overloaded"),
    ],
)
def test_what_is_no_aleph(open_: Open, status: int, headers: dict[str, str], said: str) -> None:
    with serving(status, **headers) as host:
        assert said in problem(open_(aleph__host=host, aleph__api_key=KEY), "reach")


def test_an_aleph_that_breaks_off_is_a_problem(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    for path in ("status", "_stream", "collections"):
        aleph4.fail_next("drop", times=3, path=path)
        assert "stopped answering" in problem(site, "reach")
        aleph4.heal()


def test_maintenance_is_a_problem(open_: Open, aleph4: Aleph) -> None:
    aleph4.maintenance()
    assert "maintenance" in problem(joined(open_, aleph4), "maintenance")


def test_clocks_that_disagree_are_a_warning(
    open_: Open, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = joined(open_, aleph4)
    monkeypatch.setattr("bridge.doctor.now", lambda: now() - timedelta(minutes=10))
    state, text = states(site, status=0)["clock"]
    assert (state, "behind Aleph" in text) == ("warning", True)


def test_deliveries_that_wait_or_were_given_up_are_warnings(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    with site.sessions.writing() as db:
        db.query(Delivery).delete()
        for subject, parked in (("request:1", True), ("request:2", False)):
            due = now() - timedelta(hours=3)
            db.add(
                Delivery(
                    consumer="aleph", subject=subject, due_at=due, created_at=due, parked=parked
                )
            )
    found = states(site, status=0)
    assert found["parked"][0] == "warning"
    assert "foi work" in found["queue"][1]


def test_a_full_disk_is_a_problem(
    open_: Open, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1_000_000

    monkeypatch.setattr("bridge.doctor.shutil.disk_usage", lambda _: Full())
    assert "make room" in problem(joined(open_, aleph4), "disk")


def test_a_local_site_in_an_aleph_of_the_world_is_a_problem(
    open_: Open, monkeypatch: pytest.MonkeyPatch, aleph4: Aleph
) -> None:
    site = joined(open_, aleph4)
    assert states(site, status=0)["site.url"][0] == "warning"
    monkeypatch.setattr("bridge.doctor.is_local", lambda host: host == "localhost")
    assert "set site.url" in problem(site, "site.url")


def test_a_self_signed_certificate_is_named(open_: Open, tmp_path: Path) -> None:
    with encrypted(tmp_path, timedelta(days=9)) as host:
        said = problem(open_(aleph__host=host, aleph__api_key=KEY), "reach")
    assert "REQUESTS_CA_BUNDLE" in said


def test_an_expired_certificate_is_named(
    open_: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encrypted(tmp_path, timedelta(days=-1)) as host:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
        assert "expired" in problem(open_(aleph__host=host, aleph__api_key=KEY), "reach")


def test_https_where_none_is_spoken_is_named(open_: Open) -> None:
    with serving(200) as host:
        site = open_(aleph__host=host.replace("http:", "https:"), aleph__api_key=KEY)
        assert "is https right" in problem(site, "reach")


def test_each_target_is_looked_at(open_: Open, aleph4: Aleph, tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('[[target]]\nname = "second"\nhost = "http://127.0.0.1:9"\n')
    site = joined(open_, aleph4, bridge__file=str(file))
    found = json.loads(run(site, "doctor", "--json").stdout)
    assert [each["name"] for each in found["targets"]] == ["", "second"]
    assert "reach" in states(site, "--target", "second", status=1)


@contextmanager
def encrypted(folder: Path, life: timedelta) -> Iterator[str]:
    """Run a server with a certificate of its own making, for localhost; give its address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    end = datetime.now(UTC) + life
    made: Any = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(end - timedelta(days=30)).not_valid_after(end)
    alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = made.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
