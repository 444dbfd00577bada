"""Delivers a message to a channel, in the way of its kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from feeds.core.errors import ChannelError
from notifier.channels import apprise, atom, files, webhook
from notifier.channels.addresses import kind, local, redacted
from notifier.channels.apprise_parsing import parse, scheme
from notifier.channels.http import HttpClient
from notifier.channels.limits import Limits, Watchdog
from notifier.channels.mail import SmtpClient
from notifier.channels.mail_address import SCHEMES as MAIL
from notifier.channels.mail_address import mail_address
from notifier.channels.slack import SlackHosts
from notifier.channels.slack import ways as slack_ways
from notifier.channels.slack_address import is_slack, slack_address
from notifier.domain.messages import Message, Target

_PATIENCE = 30
"""Seconds that a message of several parts waits between two of them, where the receiver asks for it."""


class MessageSender:
    """Delivers messages; a context manager that keeps connections open for the next message.

    `sender` is used for mails whose address names none, `unsubscribe` stands in their
    List-Unsubscribe; `web` is the external address of the page, for links to it; `slack` and `slack_api` take the
    place of https://hooks.slack.com and https://slack.com/api, for gateways and tests. `python` is the interpreter that
    runs Apprise; "" stands for this process's.
    """

    def __init__(  # noqa: PLR0913 - settings, each named at the call
        self,
        *,
        sender: str = "",
        unsubscribe: str = "",
        web: str = "",
        ca_bundle: str = "",
        slack: str = "",
        slack_api: str = "",
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        environment: Mapping[str, str] | None = None,
        pause: Callable[[float], None] = time.sleep,
        python: str = "",
    ) -> None:
        self.web = web.rstrip("/")
        self._ca_bundle, self._limits, self._pause = ca_bundle, limits, pause
        self._slack = SlackHosts(slack, slack_api)
        self._python = python
        self._environment = dict(os.environ if environment is None else environment)
        self._watchdog = Watchdog()
        self._post = SmtpClient(sender, unsubscribe, ca_bundle, limits, self._watchdog)
        self._poster = HttpClient(ca_bundle, limits, self._watchdog, self._environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._post.close()
        self._poster.close()
        self._watchdog.close()

    def deliver(
        self,
        target: Target,
        message: Message,
        *,
        done: int = 0,
        arrived: Callable[[int], None] = lambda _: None,
        one_click: str = "",
    ) -> str:
        """Send a message to a target. Returns the channel's answer; ChannelError where it failed.

        In a mail, List-Unsubscribe names `one_click`.

        A message that a channel takes in several parts goes on after the `done` first of them, and
        `arrived` is called with how many have arrived whenever there are more to come. No secret of the
        address is in an answer or an error.
        """
        try:
            ways = self._ways(target, message, one_click)
            answer = ""
            for number, way in enumerate(ways[done:], done + 1):
                answer = self._patiently(way) if number > 1 else way()
                if number < len(ways):
                    arrived(number)
        except ChannelError as error:
            error.what = redacted(error.what, target.address)
            error.args = (error.what,)
            raise
        return redacted(answer, target.address)

    def _patiently(self, way: Callable[[], str]) -> str:
        """Send a part after the first: a receiver that wants a short pause gets it, so that it is whole."""
        try:
            return way()
        except ChannelError as error:
            seconds = (error.retry_at - datetime.now(UTC)).total_seconds() if error.retry_at else _PATIENCE + 1
            if seconds > _PATIENCE:
                raise
            self._pause(max(seconds, 0))
            return way()

    def _ways(self, target: Target, message: Message, one_click: str) -> list[Callable[[], str]]:
        """What to do for a message, a part each, in order."""
        address = target.address
        if scheme(address) in ("file", "atom"):
            way = files.send if scheme(address) == "file" else atom.send
            return [partial(way, local(address), message)]
        if scheme(address) in MAIL:
            return [partial(self._post.send, mail_address(address), target, message, one_click)]
        if is_slack(address):
            return slack_ways(self._poster, slack_address(address), target, message, self._slack)
        parsed: Any = parse(address)
        if kind(parsed) == "json":
            return [partial(webhook.send, self._poster, parsed, message)]
        return [
            partial(apprise.send, address, part, self._limits, self._ca_bundle, self._environment, python=self._python)
            for part in apprise.parts(parsed, message)
        ]
