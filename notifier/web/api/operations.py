"""The table of the API: each route with its parameters, its body and its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier.schemas import (
    advisory,
    benchmark,
    exposure,
    image,
    inventory,
    job,
    notification,
    plan,
    push,
    requests,
    silence,
    source,
    subscription,
    trend,
)
from notifier.web.api import lists, writes
from notifier.web.api import parameters as p
from notifier.web.api import pushes as pushed
from notifier.web.api.parameters import Given, Parameter, given
from notifier.web.handler_values import Answered, Call, Permission, Route, TokenScope

PREFIX = "/api/v1"
LIMIT = 256 * 1024
"""Bytes of a body that changes something."""
NUMBER = {"type": "string", "pattern": "^[0-9]{1,10}$"}
NAME = {"type": "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class Operation:
    """A route of the API with all that its description needs."""

    path: str
    """Below the prefix; one parameter `name` at most, which may hold any character."""
    action: Callable[[Call, Given], Answered]
    answer: tuple[type, ...] = ()
    """What it answers: one of these. () for nothing."""
    parameters: tuple[Parameter, ...] = ()
    method: str = "GET"
    body: type | None = None
    status: int = 200
    refusals: tuple[int, ...] = ()
    """Statuses of errors beside those that every route has."""
    needs: Permission = Permission.READ
    token: TokenScope | None = None
    named: Mapping[str, Any] = field(default_factory=lambda: NAME)
    """The schema of the path's parameter."""

    @property
    def listed(self) -> bool:
        """Whether it answers a page of a list."""
        return p.CURSOR in self.parameters

    @property
    def name(self) -> str:
        """Its name among all operations: "get-hosts"."""
        words = self.path.replace("{name}", "one").strip("/").replace("/", "-")
        return f"{self.method.lower()}-{words}"

    def handle(self, call: Call) -> Answered:
        """Answer a call: read its parameters, and act."""
        try:
            return self.action(call, given(call, self.parameters))
        except writes.WrongType as error:
            return writes.wrong_type(error)

    @property
    def route(self) -> Route:
        """The route of the server."""
        pushes = self.action is pushed.push
        return Route(
            PREFIX + self.path.replace("{name}", "{name:path}"),
            self.handle,
            (self.method,),
            self.needs,
            f"api-{self.name}",
            limit=pushed.LIMIT if pushes else LIMIT,
            token=self.token,
            quick=pushes,
        )


_EXPOSURES = (
    exposure.Exposures,
    exposure.ExposureByAdvisory,
    exposure.ExposureByHost,
    exposure.ExposureByVersion,
)
_SILENCES: dict[str, Any] = {"needs": Permission.OPERATE, "token": TokenScope.SILENCES}
_SUBSCRIPTIONS: dict[str, Any] = {"needs": Permission.OPERATE, "token": TokenScope.SUBSCRIPTIONS}

OPERATIONS = (
    Operation(
        "/exposure",
        lists.exposure,
        _EXPOSURES,
        (*p.SCOPE, p.ADVISORIES, p.SEVERITY, p.KEV, p.OVERDUE, p.VERDICT, p.GROUP, *p.PAGE),
        refusals=(404,),
    ),
    Operation("/hosts", lists.hosts, (inventory.HostList,), (*p.SCOPE, p.STALE, *p.PAGE), refusals=(404,)),
    Operation("/hosts/{name}", lists.host, (inventory.HostDetail,), refusals=(404,)),
    Operation("/advisories", lists.advisories, (advisory.AdvisoryList,), (p.KIND, p.SEVERITY, p.ONE_PRODUCT, *p.PAGE)),
    Operation("/advisories/{name}", lists.advisory, (advisory.AdvisoryDetail,), refusals=(404,)),
    Operation("/plan", lists.plan, (plan.Plans,), (*p.SCOPE, p.SEVERITY, p.OVERDUE, *p.PAGE), refusals=(404,)),
    Operation("/benchmarks", lists.benchmarks, (benchmark.EditionList,), (p.HOST, p.TAG, *p.PAGE), refusals=(404,)),
    Operation(
        "/images",
        lists.images,
        (image.ImageList,),
        (p.HOST, p.TAG, p.STATUS, p.BASE, p.SPLIT, *p.PAGE),
        refusals=(404,),
    ),
    Operation("/sources", lists.sources, (source.SourceList,), p.PAGE),
    Operation(
        "/notifications",
        lists.notifications,
        (notification.NotificationList,),
        (p.STATE, p.SUBSCRIPTION, p.ADVISORY, *p.PAGE),
        refusals=(404,),
    ),
    Operation("/trend", lists.trend, (trend.Trend,), (p.SINCE,)),
    Operation("/jobs", lists.jobs, (job.JobList,), (p.JOB_STATE, *p.PAGE)),
    Operation("/silences", lists.silences, (silence.SilenceList,), (p.ENDED, *p.PAGE)),
    Operation(
        "/silences",
        writes.silence,
        (silence.ListedSilence,),
        method="POST",
        body=requests.SilenceRequest,
        status=201,
        refusals=(404, 415),
        **_SILENCES,
    ),
    Operation(
        "/silences/{name}", writes.end_silence, method="DELETE", status=204, refusals=(404,), named=NUMBER, **_SILENCES
    ),
    Operation(
        "/assignments",
        writes.add_assignment,
        (requests.AssignmentAnswer,),
        method="POST",
        body=requests.AssignmentRequest,
        status=201,
        refusals=(404, 415),
        **_SILENCES,
    ),
    Operation(
        "/assignments/{name}",
        writes.remove_assignment,
        parameters=p.SCOPE,
        method="DELETE",
        status=204,
        refusals=(404,),
        **_SILENCES,
    ),
    Operation("/subscriptions", lists.subscriptions, (subscription.SubscriptionList,), p.PAGE),
    Operation("/subscriptions/{name}", writes.subscription, (subscription.SubscriptionDetail,), refusals=(404,)),
    Operation(
        "/subscriptions",
        writes.subscribe,
        (subscription.SubscriptionRow,),
        method="POST",
        body=requests.SubscriptionRequest,
        status=201,
        refusals=(404, 415),
        **_SUBSCRIPTIONS,
    ),
    Operation(
        "/subscriptions/{name}",
        writes.change_subscription,
        (subscription.SubscriptionDetail,),
        method="PATCH",
        body=requests.SubscriptionChange,
        refusals=(404, 415),
        **_SUBSCRIPTIONS,
    ),
    Operation(
        "/subscriptions/{name}", writes.unsubscribe, method="DELETE", status=204, refusals=(404,), **_SUBSCRIPTIONS
    ),
    Operation(
        "/inventory",
        pushed.push,
        (push.PushSummary,),
        pushed.PARAMETERS,
        method="POST",
        refusals=(422, 429),
        needs=Permission.PUSH,
    ),
)
