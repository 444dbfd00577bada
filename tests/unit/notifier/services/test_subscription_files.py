"""Subscriptions in a file, references to secrets, and templates of one's own: what is refused, and with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from feeds.core.errors import ChannelError, ConfigError, UsageProblem
from notifier.domain.schedule import Schedule
from notifier.security.references import has_references, resolved
from notifier.services.subscriptions import subscription_files
from notifier.services.upkeep import doctor
from tests.support.samples import NOW

GOOD = "[subscriptions.a]\nto = ['file:///x']\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not valid TOML"),
        ("[ops]\nto = ['file:///x']", "there is no setting `ops`. Write each as [subscriptions.NAME]"),
        ("[subscriptions.a]", "to"),
        ("[subscriptions.a]\nto = []", "subscriptions"),
        (f"{GOOD}colour = 1", "colour"),
        (f"{GOOD}severity = 'awful'", "awful"),
        (f"{GOOD}epss = 7", "epss"),
        (f"{GOOD}product = ['vim']", "'vim' is not one of"),
        (f"{GOOD}schedule = 'now and then'", "five fields"),
        (f"{GOOD}zone = 'Nowhere'", "unknown time zone 'Nowhere'"),
        (f"{GOOD}quiet = 'nights'", "is not valid for quiet hours"),
        (f"{GOOD}break_schedule = 'x'", "'x' is not one of"),
        ("[subscriptions.'']\nto = ['file:///x']", "subscriptions"),
        ("[other.a]\nto = ['file:///x']", "other"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"subs\.toml") as error:
        subscription_files.read(text, "subs.toml", NOW)
    assert said in str(error.value)


def test_a_file_only_touches_what_it_made() -> None:
    first = subscription_files.read(f"{GOOD}[subscriptions.b]\nto = ['file:///b']", "one.toml", NOW)
    assert [s.action.value for s in subscription_files.steps(first, [], "one.toml")] == ["create", "create"]
    changed = subscription_files.read(f"{GOOD}schedule = 'daily'", "one.toml", NOW)
    steps = subscription_files.steps(changed, first, "one.toml")
    assert [(s.action.value, s.subscription.name, s.differs) for s in steps] == [
        ("change", "a", ("schedule",)),
        ("remove", "b", ()),
    ]
    assert steps[0].subscription.schedule == Schedule("daily")
    assert subscription_files.steps([], first, "two.toml") == []
    with pytest.raises(UsageProblem, match=r"was made by one\.toml"):
        subscription_files.steps(subscription_files.read(GOOD, "two.toml", NOW), first, "two.toml")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("p@ss/word\n")
    return path


def test_a_part_of_an_address_is_encoded_and_a_whole_one_is_taken_as_it_is(secret: Path) -> None:
    assert resolved(f"mailtos://me:${{file:{secret}}}@x") == "mailtos://me:p%40ss%2Fword@x"
    assert resolved(f"${{file:{secret}}}") == "p@ss/word"
    assert resolved("file:///x") == "file:///x"
    assert has_references("a://${B}")
    assert not has_references("a://$B/{C}/${1}")


def test_a_reference_that_leads_nowhere_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for reference in ("${NAVTEX_NO_SUCH}", f"${{file:{tmp_path}/none}}", f"${{file:{tmp_path}/empty}}"):
        with pytest.raises(ChannelError, match=r"NAVTEX_NO_SUCH|none|empty"):
            resolved(f"slack://{reference}")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if %}", "line 1"),
        ("one\n{{ digest.nothing }}", "nothing"),
        ("{{ ''.__class__.__mro__ }}", "__class__"),
        ("{{ digest['items'][99].advisory.name }}", "the template fails"),
        ("{% include '../../../../etc/passwd' %}", "the template fails"),
        ("{{ digest.created_at.strftime(1) }}", "the template fails"),
        ("{{ 1 / 0 }}", "the template fails"),
    ],
)
def test_a_template_that_is_wrong_is_found_and_named(tmp_path: Path, template: str, said: str) -> None:
    path = tmp_path / "digest" / "body.txt"
    path.parent.mkdir()
    path.write_text(template)
    (finding,) = doctor._templates(tmp_path)
    assert finding.level == "problem"
    assert said in finding.what
    assert str(path) in finding.what


def test_a_folder_of_templates_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert [f.level for f in doctor._templates(tmp_path / "none")] == ["problem"]
    assert list(doctor._templates(None)) == []
    (tmp_path / "digest.txt").write_text("x")
    assert [f.level for f in doctor._templates(tmp_path)] == ["note"]
