"""What doctor says of people who subscribe themselves."""

from __future__ import annotations

from collections.abc import Iterator

from feeds.core.errors import ChannelError
from notifier.channels import expand
from notifier.config import Config
from notifier.schemas.doctor import CheckResult
from notifier.security.references import resolved

_REMEDY = "See `navtex help self-service`"


def self_service(config: Config) -> Iterator[CheckResult]:
    """Whether those who may subscribe themselves get their messages. Contacts no mail server."""
    settings = config.web.subscribe
    if not settings.domains:
        return
    if not config.web.url:
        yield CheckResult.problem("[web.subscribe] has domains, but [web] url is not set", _REMEDY)
    if not settings.server:
        yield CheckResult.note("[web.subscribe] has no server: only webhooks can be subscribed", _REMEDY)
        return
    sign = "&" if "?" in settings.server else "?"
    try:
        expand(resolved(f"{settings.server}{sign}to=somebody@example.org"))
    except ChannelError as error:
        yield CheckResult.problem(f"[web.subscribe] server cannot be used: {error.what}", error.remedy or _REMEDY)
    else:
        yield CheckResult.ok(f"people can subscribe themselves: {', '.join(settings.domains)}")
