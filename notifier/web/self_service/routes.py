"""The routes of subscribing oneself."""

from __future__ import annotations

from collections.abc import Callable

from notifier.web.handler_values import Answer, Call, Permission, Route, TokenScope
from notifier.web.self_service import links, own


def _own(path: str, handler: Callable[[Call], Answer], name: str, *methods: str) -> Route:
    """A route of one's own subscriptions; a token that only reads changes none."""
    return Route(path, handler, methods or ("POST",), Permission.READ, name, token=TokenScope.SUBSCRIPTIONS)


SUBSCRIBING: tuple[Route, ...] = (
    Route("/subscribe", own.form, needs=Permission.PUBLIC, name="subscribe"),
    Route("/subscribe", own.ask, ("POST",), Permission.PUBLIC, "subscribe-ask"),
    _own("/subscribe/{number:int}", own.show, "own", "GET"),
    _own("/subscribe/{number:int}", own.save, "own-save"),
    _own("/subscribe/{number:int}/end", own.end, "own-end"),
    _own("/subscribe/{number:int}/feed", own.feed, "own-feed"),
    Route("/c/{token}", links.confirmation, needs=Permission.PUBLIC, name="confirmation"),
    Route("/c/{token}", links.confirm, ("POST",), Permission.PUBLIC, "confirm"),
    Route("/u/{token}", links.unsubscription, needs=Permission.PUBLIC, name="unsubscription"),
    # a mail program posts here, without a cookie and from nowhere (RFC 8058)
    Route("/u/{token}", links.unsubscribe, ("POST",), Permission.PUBLIC, "unsubscribe", csrf=False),
    Route("/f/{token}.atom", links.feed, needs=Permission.PUBLIC, name="feed"),
)
