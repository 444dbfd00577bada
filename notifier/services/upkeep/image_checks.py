"""Checks of the registries that polls query: credentials, registries that refuse or do not answer, old answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from feeds import storage
from feeds.core.errors import ConfigError
from feeds.images.image_tags import TagState, TagStatus
from feeds.images.references import reference
from feeds.storage.database import Connection
from notifier.config import ImageSettings
from notifier.schemas.doctor import CheckResult
from notifier.services.hosts.registry_requests import image_questions
from notifier.services.installation.registries import registry_accesses

_DAY = timedelta(days=1)
_FAULTS = {
    TagStatus.UNREACHABLE: ("did not answer for", "Check its name and address in `[images]`. {later}"),
    TagStatus.DENIED: ("refused", "Sign in with `docker login {registry}`, or check that this account may read them"),
    TagStatus.LIMITED: ("limited", "Sign in, as most registries then allow more. {later}"),
}
_LATER = "Later polls try again; until then the last state counts"


def registries(
    connection: Connection, settings: ImageSettings, now: datetime, environment: Mapping[str, str] = os.environ
) -> Iterator[CheckResult]:
    """Check the registries that the configuration names, by the last answers. None of them is contacted."""
    if not settings.registries:
        return
    try:
        accesses, warnings = registry_accesses(settings, environment)
        asked = image_questions(connection, settings, accesses).tags
    except ConfigError as error:
        yield CheckResult.problem(str(error), "Correct `[images]` in the configuration. Until then, polls fail")
        return
    for warning in warnings:
        yield CheckResult.problem(warning, "Correct Docker's `config.json`, or sign in again with `docker login`")
    states = storage.image_tags(connection)
    for access in accesses:
        tags = [tag for tag in asked if (named := reference(tag)) is not None and named.registry == access.name]
        yield from of_registry(access.name, len(tags), [states[tag] for tag in tags if tag in states], now)


def of_registry(name: str, asked: int, states: Sequence[TagState], now: datetime) -> Iterator[CheckResult]:
    """The findings about one registry, of which `asked` tags are queried and these have been."""
    if not states:
        what = f"no tag of the registry {name} has been queried yet"
        remedy = "Run `navtex poll`" if asked else "Collect or import images that come from it"
        yield CheckResult.note(what, remedy)
        return
    counted = Counter(state.status for state in states)
    for status, (did, remedy) in _FAULTS.items():
        if counted[status]:
            what = f"the registry {name} {did} {counted[status]} of {asked} tags when last queried"
            yield CheckResult.problem(what, remedy.format(registry=name, later=_LATER))
    old = [at for state in states if (at := last_answer(state)) is None or now - at > _DAY]
    if old:
        known = [at for at in old if at is not None]
        since = f", the oldest of {min(known):%Y-%m-%d %H:%M} UTC" if known else ""
        what = f"the last answer of the registry {name} is older than a day for {len(old)} of {asked} tags{since}"
        yield CheckResult.note(what, "Run `navtex poll`; each poll queries the oldest first")
    if not old and not any(counted[status] for status in _FAULTS):
        yield CheckResult.ok(f"the registry {name} answered for {len(states)} of {asked} tags within a day")


def last_answer(state: TagState) -> datetime | None:
    """When a registry last said what a tag names, or that it does not know it; None if it never did."""
    return state.answered_at if state.status in _FAULTS else state.asked_at
