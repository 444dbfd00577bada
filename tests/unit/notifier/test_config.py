from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from feeds.core.errors import ConfigError
from notifier import config
from notifier.config import Config


def load(tmp_path: Path, text: str, **environment: str) -> Config:
    path = tmp_path / "navtex.toml"
    path.write_text(text, encoding="utf-8")
    return config.load({"NAVTEX_CONFIG": str(path), **environment})


def test_nothing_needs_a_file(tmp_path: Path) -> None:
    found = load(tmp_path, "")
    assert found.database == config.default_database()
    assert found.database.startswith("sqlite:////")
    assert found.mirror == ""
    assert found.disabled == frozenset()
    assert (found.poll.host_seconds, found.poll.poll_seconds) == (60.0, 120.0)


def test_every_setting_of_a_file_is_read(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        database = "postgresql://navtex@db.example.org/navtex"
        mirror = "https://mirror.example.org/"
        ca_bundle = "/etc/ssl/company.pem"
        [poll]
        contact = "ops@example.org"
        host_seconds = 5
        poll_seconds = 30.5
        [mail]
        sender = "Navtex <navtex@example.org>"
        [collect]
        local = true
        contexts = ["all"]
        ssh = ["web-1 env=prod"]
        ssh_hosts = "/etc/navtex/hosts"
        jobs = 4
        timeout = 5
        [sources.docker-blog]
        enabled = false
        [sources.moby-advisories.urls]
        api = "https://ghe.example.org/advisories"
        """,
    )
    assert found.database == "postgresql://navtex@db.example.org/navtex"
    assert found.mirror == "https://mirror.example.org"
    assert found.ca_bundle == "/etc/ssl/company.pem"
    assert found.poll == config.Polling("ops@example.org", 5.0, 30.5)
    assert found.mail.sender == "Navtex <navtex@example.org>"
    assert found.collect == config.Collecting(
        local=True, contexts=("all",), ssh=("web-1 env=prod",), ssh_hosts="/etc/navtex/hosts", jobs=4, timeout=5.0
    )
    assert found.disabled == {"docker-blog"}
    assert found.urls == {"moby-advisories": {"api": "https://ghe.example.org/advisories"}}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        'database = "sqlite:////of-the-file.db"\nmirror = "http://of-the-file"\n',
        NAVTEX_DATABASE_URL="sqlite:////of-the-environment.db",
        NAVTEX_MIRROR="http://of-the-environment/",
    )
    assert (found.database, found.mirror) == ("sqlite:////of-the-environment.db", "http://of-the-environment")


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, 'mirror = "http://of-the-file"\n', NAVTEX_DATABASE_URL="", NAVTEX_MIRROR="")
    assert (found.database, found.mirror) == (config.default_database(), "http://of-the-file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("databse = 'x'\n", "databse"),
        ("[poll]\nhost_seconds = 'soon'\n", "poll.host_seconds"),
        ("[poll]\nseconds = 5\n", "seconds"),
        ("[sources.docker-blog]\nenabled = 'no'\n", "enabled"),
        ("mirror = 'ftp://mirror.example.org'\n", "ftp://mirror.example.org"),
        ("mirror = 'mirror.example.org'\n", "mirror"),
        ("[mail]\nsender = 'navtex'\n", "sender"),
        ("[mail]\nsender = ''\n[mail]\n", "TOML"),
        ("database = \n", "TOML"),
        ("database = 5\n", "database"),
        ("[collect]\njobs = 0\n", "jobs` is 0"),
        ("[collect]\ntimeout = 0\n", "timeout` is 0"),
        ("[collect]\ntimeout = inf\n", "timeout` is inf"),
        ("[collect]\nssh = 'web-1'\n", "collect.ssh"),
    ],
)
def test_a_wrong_setting_is_told_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["databse = 'x'\n", "database = \n", "mirror = 'ftp://x'\n", "[mail]\nsender = 'x'\n"])
def test_a_wrong_setting_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "navtex.toml"))):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\ndatabse = 'x'", "line 2: `databse` is not a setting. Did you mean `database`?"),
        ("[poll]\nurl = 'x'", "line 2: `poll.url` is not a setting. See `navtex help configuration`"),
        (
            "[poll]\n# soon\nhost_seconds = 'soon'",
            "line 3: `poll.host_seconds` is wrong: expected a number",
        ),
        ("[collect]\nssh = [\n'x']\njobs = 0", "line 4: `collect.jobs` is 0, and must be 1 to 256"),
        ("[collect]\nssh = [\n'x',\n3]", "line 2: `collect.ssh[1]` is wrong: expected a string, got a whole number"),
        ("[web.subscribe]\nserver = '''\n[x]\n'''", "line 2: `web.subscribe.server` must be a mailto://"),
        ("[log]\nformat = 'xml'", "line 2: `log.format` is 'xml', and must be one of 'json', 'text'"),
        ("mirror = 'ftp://x'", "line 1: `mirror` is wrong: 'ftp://x' is not an http:// or https:// address"),
        (
            "[sources.a]\nenabled = true\n[sources.'b.c']\nenabled = 'no'\n[sources.d]\nenabled = 'no'",
            'line 4: `sources."b.c".enabled` is wrong: expected true or false, got a string',
        ),
        ("[sources.a]\nurls.x = 'y'\nurls.z = 1\n", "line 3: `sources.a.urls.z` is wrong: expected a string"),
        (
            "[inventory.mapping.a]\nhost = 'x'\nversion = 'x'\nproduct = 'x'\n[inventory.mapping.b]\nhost = 'x'",
            "line 5: `inventory.mapping.b` needs `host`, `version`, and `product` or `package`",
        ),
        (
            "[[images.base]]\nname = 'x'\n[[images.base]]\nname = 4",
            "line 4: `images.base[1].name` is wrong: expected a",
        ),
    ],
)
def test_a_wrong_setting_is_shown_with_its_line_its_full_name_and_a_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'navtex.toml'}, {said}")
    assert error.value.remedy


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NAVTEX_MIRROR"):
        load(tmp_path, "", NAVTEX_MIRROR="mirror.example.org")


def test_a_file_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml.*navtex config init"):
        config.load({"NAVTEX_CONFIG": str(tmp_path / "nowhere.toml")})


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "navtex.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        config.read(path)


def test_the_example_changes_nothing_and_each_of_its_settings_is_one(tmp_path: Path) -> None:
    assert load(tmp_path, config.example()) == load(tmp_path, "")
    settings = re.sub(r"^# (?=\[|\w+ = )", "", config.example(), flags=re.MULTILINE)
    # the example shows two databases, of which one can be meant
    settings = re.sub(r"^database = \"sqlite.*\n", "", settings, flags=re.MULTILINE)
    found = load(tmp_path, settings)
    assert found.mirror == tomllib.loads(settings)["mirror"]
    assert found.disabled == {"docker-blog"}
    assert found.poll.contact == "ops@example.org"
    assert found.urls.keys() == {"moby-advisories"}


def test_the_hosts_of_slack_can_be_replaced(tmp_path: Path) -> None:
    text = '[slack]\nhook = "http://127.0.0.1:8080/slack"\napi = "https://gateway.example.org/api/"'
    assert load(tmp_path, text).slack == config.Slack("http://127.0.0.1:8080/slack", "https://gateway.example.org/api/")


@pytest.mark.parametrize("name", ["hook", "api"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("hooks.slack.com", "not an http:// or https:// address"),
        ("slack://T/B/C", "not an http:// or https:// address"),
        ("https://", "not an http:// or https:// address"),
        ("https://me:hunter2@gateway.example.org", "holds a user or a password"),
        ("https://gateway.example.org/?to=x", "must be only a host and a path"),
        ("https://gateway.example.org:port", "is not an address"),
    ],
)
def test_a_host_of_slack_that_is_no_address_is_refused(tmp_path: Path, name: str, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"`slack\.{name}`.*{re.escape(said)}") as error:
        load(tmp_path, f'[slack]\n{name} = "{url}"')
    assert "hunter2" not in str(error.value)
