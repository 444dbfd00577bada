"""The answer of `navtex silence list`.  Pure; its JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.alerts.silences import Silence, SilenceState, shown
from notifier.schemas.fields import MOMENT, AdvisoryName, ScopeWords, whole


class ListedSilence(msgspec.Struct, frozen=True, kw_only=True):
    """One silence."""

    number: Annotated[int, Meta(description="what `navtex silence remove` takes", ge=1)]
    advisory: AdvisoryName
    scope: ScopeWords
    reason: Annotated[str, Meta(description="the reason")]
    author: Annotated[str, Meta(description="who silenced it, or empty")]
    justification: Annotated[str | None, Meta(description="the VEX justification, if the hosts are not affected")]
    created_at: Annotated[datetime, MOMENT, Meta(description="when it was made")]
    until: Annotated[datetime, MOMENT, Meta(description="when it ends")]
    state: Annotated[
        SilenceState,
        Meta(
            description="broken: the advisory got worse, and is reported again",
            extra_json_schema={"enum": [s.value for s in SilenceState]},
        ),
    ]


class SilenceList(msgspec.Struct, frozen=True, kw_only=True):
    """Silences, newest first."""

    silences: Annotated[tuple[ListedSilence, ...], Meta(description="newest first")]


def listed_silence(one: Silence, state: SilenceState) -> ListedSilence:
    """The row of a silence."""
    return ListedSilence(
        number=one.id,
        advisory=one.name,
        scope=shown(one.scope),
        reason=one.reason,
        author=one.author,
        justification=one.justification or None,
        created_at=whole(one.created_at),
        until=whole(one.until),
        state=state,
    )
