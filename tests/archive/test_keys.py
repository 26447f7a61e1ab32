"""Authorities' keys: made, rotated, carried over; and that no garbage opens anything or breaks."""

import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.keys import Keys
from tests.conftest import add_body

OLD, NEW = b"an old secret of 32 letters or more", b"a new secret of 32 letters or more."
CARRIED = "qHc+8yJ1/lampPostsOfMillLane0123=="


@pytest.fixture
def keys() -> Keys:
    """Keys signed with a secret that replaced another."""
    return Keys(NEW, (OLD,))


def test_a_key_is_its_authoritys_and_nobody_elses(db: Session, keys: Keys) -> None:
    first, second = add_body(db), add_body(db, "Mere")
    key = keys.make(first.id, 1)
    assert keys.owner(db, key) == first.id
    assert keys.owner(db, f"  {key}\n") == first.id
    assert set(key) <= set(string.ascii_letters + string.digits + "-_")
    assert keys.owner(db, key.replace(str(first.id), str(second.id), 1)) is None
    assert keys.make(first.id, 1) == key  # it can be shown again at any time


def test_a_rotated_key_and_what_was_carried_are_nobodys(db: Session, keys: Keys) -> None:
    body, other = add_body(db), add_body(db, "Mere")
    key, others = keys.make(body.id, body.key_generation), keys.make(other.id, 1)
    casework.carry_key(db, body, CARRIED, "desk")
    db.flush()
    assert keys.owner(db, CARRIED) == body.id
    casework.rotate_key(db, body, "desk")
    assert [keys.owner(db, each) for each in (key, CARRIED)] == [None, None]
    assert keys.owner(db, keys.make(body.id, body.key_generation)) == body.id
    assert keys.owner(db, others) == other.id


def test_a_former_secret_still_opens_and_one_that_is_gone_does_not(db: Session) -> None:
    body = add_body(db)
    key = Keys(OLD).make(body.id, 1)
    assert Keys(NEW, (OLD,)).owner(db, key) == body.id
    assert Keys(NEW).owner(db, key) is None
    assert Keys(NEW, (OLD,)).make(body.id, 1) == Keys(NEW).make(body.id, 1) != key


def test_a_carried_key_survives_an_unencoded_plus(db: Session, keys: Keys) -> None:
    body = add_body(db)
    casework.carry_key(db, body, CARRIED, "desk")
    db.flush()
    assert keys.owner(db, CARRIED.replace("+", " ")) == body.id


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(max_size=250)
    | st.from_regex(r"-?[0-9]{1,30}-[A-Za-z0-9_\-]{0,60}", fullmatch=True)
    | st.text(st.characters(categories=["Cs", "Cc", "Nd", "Zs"]), max_size=60)
)
def test_garbage_is_nobodys_key(db: Session, garbage: str) -> None:
    assert Keys(NEW, (OLD,)).owner(db, garbage) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key.replace("-", "", 1),
        lambda key: "0" + key,
        lambda key: key.swapcase(),
        lambda key: key + "\0",
        lambda key: key + "\ud800",
        lambda key: "\u0661" + key[1:],  # an Arabic-Indic one is a digit to Python
        lambda key: key + "x" * 1_000_000,
        lambda key: "9" * 4_301 + key,
    ],
)
def test_a_key_that_is_spoilt_is_nobodys(db: Session, keys: Keys, spoil: object) -> None:
    key = keys.make(add_body(db).id, 1)
    spoilt = spoil(key)  # type: ignore[operator]
    owner = keys.owner(db, spoilt)
    # A leading nought names the same authority with the same signature: it opens nothing more.
    assert owner == (keys.owner(db, key) if spoilt == "0" + key else None)


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key_secret"
    made = Keys.load(path)
    assert len(made.secret) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keys.load(path) == made
    assert [each.name for each in path.parent.iterdir()] == ["key_secret"]
    assert made.secret.decode() not in repr(made)


def test_a_new_first_line_rotates_the_secret(tmp_path: Path, db: Session) -> None:
    path, body = tmp_path / "key_secret", add_body(db)
    before = Keys.load(path)
    path.write_text(NEW.decode() + "\n\n" + path.read_text())
    after = Keys.load(path)
    assert (after.secret, after.former) == (NEW, (before.secret,))
    assert after.owner(db, before.make(body.id, 1)) == body.id


@pytest.mark.parametrize("content", ["", "\n \n", "short\n", NEW.decode() + "\nshort\n"])
def test_a_secret_that_is_too_short_stops_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key_secret"
    path.write_text(content)
    with pytest.raises(ValueError, match="at least 32 characters") as refused:
        Keys.load(path)
    assert NEW.decode() not in str(refused.value)


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.stdin.readline();"
        "from foi.archive.keys import Keys; print(Keys.load(Path(sys.argv[1])).make(1, 1))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "key_secret")]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=30)[0] for process in started}
    assert len(keys) == 1
    assert keys.pop().startswith("1-")
