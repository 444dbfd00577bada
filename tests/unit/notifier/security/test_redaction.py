from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.security.redaction import HIDDEN, redact

SECRET = "Tr0ub4dor-and-3"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://navtex:{SECRET}@db.example.org/navtex",
        f"postgresql+psycopg://navtex:{SECRET}@db.example.org/navtex: connection refused",
        f"postgresql://db.example.org/navtex?user=navtex&password={SECRET}",
        f"http://proxy:{SECRET}@proxy.example.org:3128",
        f"https://{SECRET}@git.example.org/x",
        f"https://api.example.org/v1?access_token={SECRET}&page=2",
        f"https://api.example.org/v1?page=2&X-Amz-Signature={SECRET}",
        f"https://hooks.slack.com/services/T000/B000/{SECRET}",
        f"https://discord.com/api/webhooks/123/{SECRET}",
        f"https://example.webhook.office.com/webhookb2/{SECRET}/IncomingWebhook/x",
        f"https://mattermost.example.org/hooks/{SECRET}",
        f"https://api.telegram.org/bot123456:{SECRET}/sendMessage",
        f"slack://T000/B000/{SECRET}/#docker",
        f"mailtos://me:{SECRET}@mail.example.org?to=ops@example.org",
        f"mailtos://mail.example.org?user=me&pass={SECRET}&to=ops@example.org",
        f"mailtos://me:half/{SECRET}@mail.example.org",
        f"mailtos://me:half?{SECRET}@mail.example.org",
        f"mailtos://me:half@{SECRET}@mail.example.org",
        f"tgram://123456:{SECRET}/chat",
        f"jsons://user:{SECRET}@hooks.example.org/x",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'token {SECRET}'}}",
        f"the answer to Bearer {SECRET} was 401",
        f"ghp_{SECRET.replace('-', '')}0123456789",
        f"xoxb-{SECRET}-0123456789",
    ],
)
def test_no_secret_of_an_address_or_a_header_is_shown(text: str) -> None:
    shown = redact(f"not sent to {text} at the second try")
    assert SECRET not in shown
    assert SECRET.replace("-", "") not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "https://api.github.com/repos/moby/moby/security-advisories?per_page=100: HTTP 503",
        "https://docs.docker.com/engine/release-notes/29/#2951",
        "https://mirror.example.org:8443/navtex/docs.docker.com/x@2",
        "https://www.docker.com/@news",
        "sqlite:////var/lib/navtex/navtex.db: the disk is full",
        "file:///var/lib/navtex/digests",
        "mailto://mail.example.org?from=navtex@example.org&to=ops@example.org",
        "postgresql://navtex@db.example.org/navtex",
        "docker-ce 5:29.1.3-1~debian.12~bookworm on web-1: upgrade to 29.5.1",
        "CVE-2024-41110 key: what decides",
        "slack://T...4/B...4/T...d//",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_a_user_of_a_database_and_the_host_stay_readable() -> None:
    text = f"postgresql://navtex:{SECRET}@db.example.org/navtex?sslmode=require"
    assert redact(text) == f"postgresql://navtex:{HIDDEN}@db.example.org/navtex?sslmode=require"


def test_a_known_value_is_hidden_wherever_it_stands() -> None:
    assert redact(f"GitHub said: {SECRET} is not a token", [SECRET]) == f"GitHub said: {HIDDEN} is not a token"
    assert redact("a, b", ["a"]) == "a, b"


# percent encoding is what every address that works has where these stand for themselves
_PASSWORD = st.text(
    st.characters(codec="ascii", categories=["L", "N"], include_characters="-._~%!$()*+,=:@/?"), min_size=6
)


@given(_PASSWORD, st.sampled_from(["mailtos", "slack", "jsons", "https", "postgresql", "http"]))
def test_whatever_a_password_is_made_of_it_is_not_shown(password: str, scheme: str) -> None:
    password = f"s3cr{password}3t"
    shown = redact(f"{scheme}://user:{password}@host.example.org/path was refused")
    assert password not in shown
    assert shown.startswith(f"{scheme}://")
    assert shown.endswith(" was refused")
