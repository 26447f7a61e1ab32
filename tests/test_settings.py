"""Settings: read from the ini file and the environment, and a wrong one says which it is."""

from dataclasses import fields
from pathlib import Path

import pytest

from foi.settings import SECRET, BadSetting, Settings, load, variables

WRONG = [
    ("server.port", "a few"),
    ("server.port", "-1"),
    ("server.port", "65536"),
    ("server.port", "9" * 5000),
    ("server.threads", "0"),
    ("server.threads", "4.5"),
    ("server.body_limit", "1 GB"),
    ("site.url", "localhost:6543"),
    ("site.url", "ftp://foi.example"),
    ("site.url", "http://"),
    ("site.url", "http://foi.example/?a=b"),
    ("site.url", "http://foi.example/#top"),
    ("site.url", "http://foi.example:99999"),
    ("site.url", "http://foi example/"),
    ("site.url", "http://[::1"),
    ("site.timezone", "Europe/Atlantis"),
    ("site.timezone", "../../etc/passwd"),
    ("site.timezone", ""),
    ("site.jurisdiction", "XX"),
    ("database.url", "nonsense"),
    ("database.url", "mysql://root:hunter2@localhost/foi"),
    ("database.url", "postgresql+psycopg://foi:hunter2@localhost:port/foi"),
    ("database.url", "sqlite://"),
    ("database.url", "sqlite:///:memory:"),
    ("files.url", "s3://bucket/foi"),
    ("search.engine", "postgres"),
    ("search.engine", "elastic"),
    ("worker.embedded", "perhaps"),
    ("worker.poll", "-0.1"),
    ("worker.poll", "nan"),
    ("worker.poll", "inf"),
    ("worker.poll", "soon"),
    ("cache.megabytes", "-1"),
    ("limits.attachment", "big"),
    ("limits.field", ""),
    ("limits.writes_per_key", "-1"),
    ("limits.searches_per_address", "60/minute"),
    ("server.trusted_proxies", "proxy.example"),
    ("server.trusted_proxies", "10.0.0.1/8"),
    ("webhooks.allow_private", "sometimes"),
    ("text.seconds", "1e99"),
    ("text.megabytes", "1,024"),
    ("aleph.host", "aleph.example"),
    ("aleph.collection", "Foi Site"),
    ("aleph.collection", "foi__site"),
]


PLACES = ("ini", "environment")
EVERY = [(*wrong, place) for wrong in WRONG for place in PLACES[: 2 if wrong[1] else 1]]
"""An empty variable is as good as none."""


@pytest.mark.parametrize(("name", "value", "place"), EVERY)
def test_a_wrong_value_names_its_setting(name: str, value: str, place: str) -> None:
    ini = {name: value} if place == "ini" else {}
    environ = {variables(name, ())[0]: value} if place == "environment" else {}
    with pytest.raises(BadSetting) as refused:
        load(ini, environ)
    said = str(refused.value)
    assert said.startswith(f"setting {name}: ")
    assert len(said.removeprefix(f"setting {name}: ")) > 10
    if name in SECRET:
        assert value not in said
        assert "hunter2" not in said


@pytest.mark.parametrize(
    "name", ["site.nmae", "server.prot", "worker.embeded", "foi.extension", "aleph.key", "limits."]
)
def test_a_misspelt_setting_stops_the_start(name: str) -> None:
    with pytest.raises(BadSetting, match=f"setting {name}: there is no such setting"):
        load({name: "x"}, {})


def test_what_belongs_to_others_in_the_ini_file_is_left_alone() -> None:
    ini = {"use": "egg:foi-tracker", "here": "/srv", "pyramid.reload_templates": "true"}
    assert load(ini, {}) == load({}, {})


def test_the_environment_overrides_the_file_and_the_own_variable_the_customary_one() -> None:
    ini = {"server.port": "1", "site.name": "From the file"}
    assert load(ini, {}).port == 1
    assert load(ini, {"PORT": "2"}).port == 2
    assert load(ini, {"PORT": "2", "FOI_SERVER_PORT": "3"}).port == 3
    assert load(ini, {"FOI_SERVER_PORT": "", "PORT": ""}).port == 1
    assert load(ini, {"FOI_SITE_NAME": "Elsewhere"}).site_name == "Elsewhere"
    assert load({}, {"FOI_EXTENSIONS": " feeds  bridge "}).extensions == ("feeds", "bridge")
    assert load({}, {"ALEPHCLIENT_HOST": "https://aleph.example/"}).aleph_host == (
        "https://aleph.example"
    )


def test_a_wrong_value_in_the_file_does_no_harm_when_it_is_overridden() -> None:
    assert load({"server.port": "x"}, {"PORT": "8080"}).port == 8080


def test_no_setting_need_be_given(tmp_path: Path) -> None:
    made = load({"data": str(tmp_path)}, {})
    assert made.database_url == f"sqlite:///{tmp_path}/foi.sqlite"
    assert made.files_folder == tmp_path / "files"
    assert made.key_secret_file == tmp_path / "key_secret"
    assert made.site_url == "http://localhost:6543"


def test_secrets_are_in_no_representation() -> None:
    secrets = {
        "aleph.api_key": "hunter2-key",
        "database.url": "postgresql+psycopg://foi:hunter2-password@localhost/foi",
    }
    assert set(secrets) == SECRET
    made = load(secrets, {})
    assert "hunter2" not in repr(made)
    assert "hunter2" not in f"{made}"
    assert (made.aleph_key, made.database_url) == tuple(secrets.values())


def test_every_setting_is_documented_and_its_default_is_good() -> None:
    names = [each.metadata["name"] for each in fields(Settings)]
    assert len(names) == len(set(names))
    everything = [
        v for f in fields(Settings) for v in variables(f.metadata["name"], f.metadata["also"])
    ]
    assert len(everything) == len(set(everything))
    for each in fields(Settings):
        assert each.metadata["doc"].rstrip().endswith("."), each.name
        assert isinstance(each.metadata["default"], str), each.name
