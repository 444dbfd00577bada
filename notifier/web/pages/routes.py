"""The routes of the pages."""

from __future__ import annotations

from notifier.web.handler_values import Permission, Route
from notifier.web.pages import (
    advisories,
    benchmarks,
    exposure,
    hosts,
    images,
    jobs,
    notifications,
    plans,
    silences,
    sources,
    subscriptions,
    trend,
)

_POST, _OPERATE = ("POST",), Permission.OPERATE

PAGES: tuple[Route, ...] = (
    Route("/", exposure.exposure, name="exposure"),
    Route("/plan", plans.plan, name="plan"),
    Route("/hosts", hosts.listing, name="hosts"),
    Route("/hosts/{name:path}", hosts.one, name="host"),
    Route("/images", images.listing, name="images"),
    Route("/images/{name:path}", images.one, name="image"),
    Route("/advisories", advisories.listing, name="advisories"),
    Route("/advisories/{name:path}/silence", silences.silence, _POST, _OPERATE, name="silence"),
    Route("/advisories/{name:path}/assign", silences.take, _POST, _OPERATE, name="assign"),
    Route("/advisories/{name:path}", advisories.one, name="advisory"),
    Route("/benchmarks", benchmarks.listing, name="benchmarks"),
    Route("/benchmarks/{name:path}", benchmarks.one, name="benchmark"),
    Route("/trend", trend.trend, name="trend"),
    Route("/sources", sources.listing, name="sources"),
    Route("/notifications", notifications.listing, name="notifications"),
    Route("/notifications/{number}/retry", notifications.retry, _POST, _OPERATE, name="retry"),
    Route("/notifications/{number}", notifications.one, name="notification"),
    Route("/silences", silences.listing, name="silences"),
    Route("/silences/{number}/expire", silences.expire, _POST, _OPERATE, name="expire"),
    Route("/assignments/{number}/remove", silences.release, _POST, _OPERATE, name="unassign"),
    Route("/jobs", jobs.listing, needs=_OPERATE, name="jobs"),
    Route("/jobs/{number}/retry", jobs.retry, _POST, _OPERATE, name="job-retry"),
    Route("/jobs/{number}/cancel", jobs.cancel, _POST, _OPERATE, name="job-cancel"),
    Route("/subscriptions", subscriptions.listing, name="subscriptions"),
    Route("/subscriptions/{name:path}/edit", subscriptions.form, needs=_OPERATE, name="subscription-form"),
    Route("/subscriptions/{name:path}/edit", subscriptions.edit, _POST, _OPERATE, name="subscription-edit"),
    Route("/subscriptions/{name:path}/pause", subscriptions.pause, _POST, _OPERATE, name="subscription-pause"),
    Route("/subscriptions/{name:path}/resume", subscriptions.resume, _POST, _OPERATE, name="subscription-resume"),
    Route("/subscriptions/{name:path}", subscriptions.one, name="subscription"),
)
"""The routes. An address that ends in an action comes before the one of the name alone, which may have slashes."""
