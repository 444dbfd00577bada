"""What doctor says of people who subscribe themselves."""

from __future__ import annotations

import pytest

from notifier.config import Config, Web, WebSubscribe
from notifier.services.upkeep.self_service_checks import self_service

SERVER = "mailto://mail.example.org?from=navtex@example.org"
URL = "https://navtex.example.org"


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        (URL, WebSubscribe(server=SERVER), []),
        (URL, WebSubscribe(("example.org",), SERVER), ["people can subscribe themselves: example.org"]),
        ("", WebSubscribe(("example.org",)), ["[web] url is not set", "only webhooks"]),
        (URL, WebSubscribe(("example.org",), "mailto://mail.example.org"), ["it has no sender"]),
        (URL, WebSubscribe(("example.org",), "mailto://${NO_SUCH}"), ["NO_SUCH"]),
    ],
)
def test_what_keeps_people_from_subscribing_is_found(url: str, settings: WebSubscribe, said: list[str]) -> None:
    found = list(self_service(Config(web=Web(url=url, subscribe=settings))))
    assert len(found) == len(said)
    assert all(words in one.what for words, one in zip(said, found, strict=True))
