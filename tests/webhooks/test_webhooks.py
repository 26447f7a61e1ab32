"""Webhooks: what a receiver gets, when, how often, and what it never gets."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import webtest
from sqlalchemy import delete, func, select

from foi.archive import casework, ledger
from foi.archive.keys import Keys
from foi.archive.kinds import Kind
from foi.archive.models import Body, Delivery, Event, InfoRequest, Message
from foi.site import Site
from foi.webhooks import log, register, sending, signing
from foi.webhooks.consumer import DISABLED_AFTER, PAUSES, Webhooks
from foi.webhooks.models import Webhook, WebhookAttempt
from foi.work.worker import drain, work_once
from tests.conftest import start
from tests.webhooks.receiver import Receiver, receiving

ROOT = Path(__file__).parent.parent.parent
SOON = timedelta(seconds=5)


def write(
    site: Site, *, title: str = "Salt on Wicken Hill", body: str = "Fenby", **more: Any
) -> int:
    """Open a request as a person of the site would; give its id."""
    with site.sessions.writing() as db:
        found = db.scalar(select(Body).where(Body.name == body))
        party = found or casework.add_body(db, "import", name=body)
        db.flush()
        made = casework.open_request(
            db, "person:1", body=party, title=title, text="How much?", **more
        )
        db.flush()
        return made.id


def respond(site: Site, number: int, text: str = "Two tonnes.") -> None:
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, number)
        casework.correspond(db, request, "body:1", direction="response", text=text)


def consumer(site: Site) -> Webhooks:
    (found,) = (each for each in site.consumers.all if isinstance(each, Webhooks))
    return found


def work(site: Site, rounds: int = 20) -> None:
    """Do what is owed to webhooks, and what makes it so."""
    for _ in range(rounds):
        if not work_once(site, consumer(site)):
            return


def row(site: Site, number: int) -> Webhook:
    with site.sessions.reading() as db:
        found = db.get_one(Webhook, number)
        db.expunge(found)
        return found


def tries(site: Site) -> list[WebhookAttempt]:
    with site.sessions.reading() as db:
        found = list(db.scalars(select(WebhookAttempt).order_by(WebhookAttempt.id)))
        db.expunge_all()
        return found


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC) + by, tick=True):
        yield


def test_an_event_arrives_signed_and_is_what_the_log_of_everything_says(
    site: Site, app: webtest.TestApp, hook: Webhook, receiver: Receiver, secret: str
) -> None:
    respond(site, write(site))
    work(site)
    told = app.get("/events.json?since=0").json["events"]
    told = [each for each in told if each["id"] > hook.since]
    assert receiver.types() == ["sent", "response"]
    for got, event in zip(
        receiver.got, [e for e in told if e["event_type"] in ("sent", "response")], strict=True
    ):
        assert got.json == {
            "type": event["event_type"],
            "timestamp": event["created_at"],
            "data": event,
        }
        assert got.signed_with(secret)
        assert got.headers["content-type"] == "application/json"
        assert abs(int(got.headers["webhook-timestamp"]) - ledger.now().timestamp()) < 60
        assert got.path == "/hook?of=foi"
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(set(ids)) == 2
    assert all("." not in each for each in ids)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert 24 <= len(base64.b64decode(secret[6:])) <= 64


def test_the_code_in_the_documentation_verifies_what_arrives(
    site: Site, hook: Webhook, receiver: Receiver, secret: str
) -> None:
    page = (ROOT / "docs" / "authorities.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```py\n(.*?)```", page.partition("## Webhooks")[2], re.S)
    given: dict[str, Any] = {}
    exec(compile(code, "authorities.md", "exec"), given)
    write(site)
    work(site)
    (got,) = receiver.got
    assert given["verify"](secret, got.headers, got.body) == got.json
    with pytest.raises(ValueError, match="signature"):
        given["verify"](secret, got.headers, got.body + b" ")
    with pytest.raises(ValueError, match="signature"):
        given["verify"]("whsec_" + base64.b64encode(b"x" * 32).decode(), got.headers, got.body)
    with later(timedelta(minutes=6)), pytest.raises(ValueError, match="old"):
        given["verify"](secret, got.headers, got.body)


def test_nothing_of_before_and_no_import_is_told(site: Site, receiver: Receiver) -> None:
    write(site)
    with site.sessions.writing() as db:
        register.add(db, "desk", url=receiver.url)
    work(site)
    with site.sessions.writing() as db:
        party = casework.add_body(db, "import", name="Imported Council")
        db.flush()
        casework.open_request(db, "import", body=party, title="Brought along", text="Old.")
    work(site)
    assert receiver.got == []
    write(site, title="Made here")
    work(site)
    (got,) = receiver.got
    assert got.json["data"]["info_request"]["title"] == "Made here"


def test_an_authority_hears_of_its_own_requests_and_of_the_kinds_it_asked_for(
    site: Site, receiver: Receiver
) -> None:
    first, other = write(site, body="Fenby"), write(site, body="Marsham")
    with site.sessions.writing() as db:
        fenby = db.scalar(select(Body).where(Body.name == "Fenby"))
        register.add(db, "desk", url=receiver.url, body=fenby, kinds=["response"])
    for number in (first, other, first):
        respond(site, number)
    write(site, body="Fenby", title="Another")
    work(site)
    assert receiver.types() == ["response", "response"]
    assert {got.json["data"]["public_body"]["name"] for got in receiver.got} == {"Fenby"}


def test_what_is_hidden_before_it_is_sent_is_never_sent(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    number = write(site, title="Secret matters")
    respond(site, number, "A name that nobody may read.")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, number)
        casework.hide(db, request, "desk", prominence="hidden", reason="A court said so")
    work(site)
    assert receiver.types() == ["hide"]
    said = receiver.got[0].body.decode()
    for word in ("Secret", "nobody may read", "court", "salt", "Fenby"):
        assert word.lower() not in said.lower()


def test_an_erased_message_an_address_and_the_desk_stay_at_home(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    number = write(site)
    respond(site, number, "Write to jo@fenby.example.")
    respond(site, number, "Mine is erased.")
    with site.sessions.writing() as db:
        last = db.scalar(select(Message).order_by(Message.id.desc()).limit(1))
        assert last is not None
        casework.erase(db, last, "desk", reason="private")
        casework.note(db, "desk", "looked_around")
        casework.rotate_key(db, db.get_one(Body, 1), "desk")
    work(site)
    said = b"".join(got.body for got in receiver.got).decode()
    assert receiver.types() == ["sent", "response", "erase"]
    assert "[email address]" in said
    assert "jo@fenby" not in said
    assert "Mine is" not in said


@pytest.mark.parametrize("failing", [500, 302, 404])
def test_what_is_not_taken_is_tried_again_and_order_is_kept(
    site: Site, hook: Webhook, receiver: Receiver, failing: int
) -> None:
    receiver.answers = [failing, failing, 204]
    receiver.headers = {"Location": "http://127.0.0.1:9/elsewhere"}
    respond(site, write(site))
    work(site)
    assert receiver.types() == ["sent"], "the response waits for the letter"
    assert row(site, hook.id).failures == 1
    with later(timedelta(seconds=PAUSES[0] + 1)):
        work(site)
        assert receiver.types() == ["sent", "sent"]
        with later(timedelta(seconds=PAUSES[1] + 1)):
            work(site)
    assert receiver.types() == ["sent", "sent", "sent", "response"]
    assert len({got.headers["webhook-id"] for got in receiver.got[:3]}) == 1
    assert [each.status for each in tries(site)] == [failing, failing, 204, 204]
    assert (row(site, hook.id).failures, row(site, hook.id).failing_since) == (0, None)


def test_a_server_that_asks_for_time_gets_it(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    receiver.answers, receiver.headers = [503, 204], {"Retry-After": "900"}
    write(site)
    work(site)
    with later(timedelta(minutes=14)):
        work(site)
        assert len(receiver.got) == 1
        with later(timedelta(minutes=2)):
            work(site)
            assert len(receiver.got) == 2


def test_after_days_without_success_it_is_disabled_and_enabled_it_misses_nothing(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [500]
    respond(site, write(site))
    work(site)
    with later(DISABLED_AFTER + SOON):
        work(site)
        found = row(site, hook.id)
        assert found.disabled_at is not None
        assert found.disabled_why == "it took nothing for 5 days"
        with site.sessions.reading() as db:
            last = db.scalar(select(Event).order_by(Event.id.desc()).limit(1))
            assert last is not None
            assert (last.kind, last.actor) == (Kind.DESK_ACT, "clock")
            assert last.params["did"] == "webhook_disabled"
        write(site, title="While it was off")
        work(site)
        assert len(receiver.got) == 2
        receiver.answers = [204]
        with site.sessions.writing() as db:
            register.enable(db, "desk", db.get_one(Webhook, hook.id))
        work(site)
        assert receiver.types()[2:] == ["sent", "response", "sent"]


def test_one_that_answers_gone_is_disabled_at_once_and_may_leave_out_what_it_missed(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    receiver.answers = [410, 204]
    write(site)
    work(site)
    assert row(site, hook.id).disabled_why == "it answered that it is gone (410)"
    with site.sessions.writing() as db:
        register.enable(db, "desk", db.get_one(Webhook, hook.id), skip=True)
    work(site)
    assert len(receiver.got) == 1
    write(site, title="From now on")
    work(site)
    assert receiver.got[1].json["data"]["info_request"]["title"] == "From now on"


def test_a_replaced_secret_and_a_former_site_secret_sign_beside_the_new(
    site: Site, hook: Webhook, receiver: Receiver, secret: str
) -> None:
    with site.sessions.writing() as db:
        register.rotate(db, "desk", db.get_one(Webhook, hook.id))
    fresh = signing.secret(site.keys, row(site, hook.id))
    assert fresh != secret
    write(site)
    work(site)
    assert receiver.got[0].signed_with(secret)
    assert receiver.got[0].signed_with(fresh)
    with later(signing.OVERLAP + SOON):
        write(site)
        work(site)
    assert receiver.got[1].signed_with(fresh)
    assert not receiver.got[1].signed_with(secret)
    replaced = Keys(b"n" * 40, (site.keys.secret,))
    told = signing.headers(replaced, row(site, hook.id), "a", ledger.now(), b"{}")
    assert len(told["webhook-signature"].split()) == 4
    newest = Keys(b"n" * 40)
    assert signing.secret(newest, row(site, hook.id)) != fresh


def test_the_database_holds_neither_secret_nor_what_was_sent(
    site: Site, hook: Webhook, receiver: Receiver, secret: str
) -> None:
    write(site)
    work(site)
    with site.engine.connect() as connection:
        held = repr(connection.exec_driver_sql("SELECT * FROM webhook").all())
        held += repr(connection.exec_driver_sql("SELECT * FROM webhook_attempt").all())
    assert secret not in held
    assert secret[6:40] not in held
    assert "Wicken" not in held


def test_the_log_keeps_the_beginning_of_an_answer_and_is_cut(
    site: Site, hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answers = [200]
    receiver.told = b"\x00\xff" + b"no " * 5000
    for n in range(3):
        write(site, title=f"Question {n}")
    work(site)
    (first, *_) = tries(site)
    assert len(first.told) == 500
    assert first.told.startswith("��no no")
    assert first.milliseconds >= 0
    monkeypatch.setattr(log, "MOST", 2)
    assert log.prune(site) == 1
    assert len(tries(site)) == 2
    with later(log.KEPT + SOON):
        assert log.prune(site) == 2


def test_an_event_is_sent_again_when_asked_for_unless_it_is_hidden_by_then(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    number = write(site)
    work(site)
    event_id = receiver.got[0].json["data"]["id"]
    with site.sessions.writing() as db:
        register.resend(db, "desk", db.get_one(Webhook, hook.id), event_id)
        register.test(db, "desk", db.get_one(Webhook, hook.id))
    work(site)
    assert sorted(receiver.types()) == ["sent", "sent", "test"]
    again = [got for got in receiver.got if got.json["type"] == "sent"]
    assert again[0].headers["webhook-id"] == again[1].headers["webhook-id"]
    assert again[0].body == again[1].body
    with site.sessions.writing() as db:
        casework.hide(db, db.get_one(InfoRequest, number), "desk", prominence="hidden", reason="")
        register.resend(db, "desk", db.get_one(Webhook, hook.id), event_id)
    work(site)
    assert "sent" not in receiver.types()[3:]


def test_a_removed_hook_and_its_log_are_gone(
    site: Site, hook: Webhook, receiver: Receiver
) -> None:
    write(site)
    work(site)
    with site.sessions.writing() as db:
        register.remove(db, "desk", db.get_one(Webhook, hook.id))
    write(site)
    drain(site)
    assert len(receiver.got) == 1
    assert tries(site) == []
    with site.sessions.reading() as db:
        assert db.scalar(select(func.count()).select_from(Delivery)) == 0


def test_while_there_is_no_hook_no_write_owes_one_anything(site: Site) -> None:
    def owed() -> set[str]:
        with site.sessions.reading() as db:
            return set(db.scalars(select(Delivery.consumer).distinct()))

    write(site)
    assert "webhooks" not in owed()
    with site.sessions.writing() as db:
        made = register.add(db, "desk", url="https://hooks.example/foi")
        number = made.id
    drain(site)
    write(site)
    assert "webhooks" in owed()
    with site.sessions.writing() as db:
        register.disable(db, "desk", db.get_one(Webhook, number), "enough")
        db.execute(delete(Delivery))
    write(site)
    assert "webhooks" not in owed()


def test_a_process_that_knew_of_no_hook_delays_but_loses_nothing(
    site: Site, hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(site)
    monkeypatch.setattr(Webhooks, "subjects", frozenset())
    write(site)
    work(site)
    assert receiver.got == []
    consumer(site).catch_up(site)
    work(site)
    assert receiver.types() == ["sent"]


def test_a_new_hook_is_looked_at_twice_for_what_others_wrote_before_they_knew(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foi.webhooks.consumer.SETTLING", 2.0)
    with site.sessions.writing() as db:
        register.add(db, "desk", url=receiver.url)
    work(site)
    monkeypatch.setattr(Webhooks, "subjects", frozenset())
    write(site)
    with later(timedelta(seconds=3)):
        work(site)
    assert receiver.types() == ["sent"]


def test_a_slow_server_holds_up_no_other_hook_for_long(
    site: Site, hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TOTAL", 0.5)
    with receiving() as slow:
        slow.drip = 5.0
        with site.sessions.writing() as db:
            register.add(db, "desk", url=slow.url)
        write(site)
        work(site, rounds=4)
        assert receiver.types() == ["sent"]
        told = [(each.webhook_id, each.status, each.told) for each in tries(site)]
        failed = next(each for each in told if each[0] != hook.id)
        assert failed[1] is None
        assert failed[2].startswith("no answer within")
        assert all(each.milliseconds < 3000 for each in tries(site))


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fd00::1",
    "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "fe80::1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known(address: str) -> None:
    assert not sending.is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_public_addresses_are_known(address: str) -> None:
    assert sending.is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "0"])
def test_this_machine_is_not_called_by_any_of_its_names(host: str, receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answer = sending.send(f"http://{host}:{port}/", b"{}", {})
    assert answer.status is None
    assert "not sent" in answer.told
    assert receiver.got == []


def test_the_connection_goes_to_the_address_that_was_looked_at(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is judged and private when it is called (DNS rebinding)."""
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    looked: list[str] = []
    called: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        looked.append(host)
        first = len(looked) == 1
        return [(2, 1, 6, "", ("203.0.114.7" if first else "127.0.0.1", port))]

    def connect(address: tuple[str, int], timeout: float) -> Any:
        called.append(address[0])
        raise TimeoutError("timed out")

    monkeypatch.setattr(sending.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(sending.socket, "create_connection", connect)
    answer = sending.send(f"http://rebinding.example:{port}/", b"{}", {})
    assert answer.told == "no answer: timed out"
    assert (looked, called) == (["rebinding.example"], ["203.0.114.7"])


def test_one_private_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [(2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(sending.socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(sending.BadAddress, match="public Internet"):
        sending.resolve("both.example", 80, private=False)
    assert sending.resolve("both.example", 80, private=True) == ["8.8.8.8", "10.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/", "file:///etc/passwd", "hooks.example", "https://", "",
        "https://jo:word@hooks.example/", "https://hooks.example/#top", "http://hooks.example:0/",
        "http://hooks.example:99999/", "https://hooks.example/a b", "https://hooks.example/\r\nX:1",
        "https://hööks.example/", "https://hooks.example/" + "a" * 2000, "http://[::1",
    ],
)  # fmt: skip
def test_addresses_that_are_none_are_refused(site: Site, url: str) -> None:
    with site.sessions.writing() as db, pytest.raises(register.Unusable, match="address"):
        register.add(db, "desk", url=url)
    assert sending.send(url, b"{}", {}, private=True).status is None


def test_kinds_of_the_desk_can_not_be_asked_for(site: Site) -> None:
    with site.sessions.writing() as db, pytest.raises(register.Unusable, match="key_shown"):
        register.add(db, "desk", url="https://hooks.example/", kinds=["sent", "key_shown"])


def test_private_addresses_are_refused_unless_the_setting_allows_them(
    receiver: Receiver, tmp_path: Path, migrated: bytes
) -> None:
    made = start(tmp_path / "site", migrated)
    site = made.site
    with site.sessions.writing() as db:
        register.add(db, "desk", url=receiver.url)
    write(site)
    work(site)
    (tried,) = tries(site)
    assert "webhooks.allow_private" in tried.told
    assert receiver.got == []
    made.close()
