"""Where people may have digests sent: a mailbox or a webhook that they name, within the permitted domains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from feeds.core.errors import ChannelError, UsageProblem
from notifier.channels.mail_address import checked
from notifier.channels.slack_address import SlackWay, is_slack, slack_address
from notifier.domain.messages import Target
from notifier.domain.self_service import SelfServiceRules
from notifier.services.installation.channel_addresses import check_address

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Destination:
    """A mailbox or a webhook as it was understood."""

    address: str
    """The channel's address."""
    recipient: str
    """The mailbox; "" for a webhook."""
    shown: str
    """As it may be shown: without a webhook's secret."""
    permitted: bool
    """Whether its domain is one of the configured ones."""

    def targets(self) -> list[Target]:
        """Where its messages go."""
        return [Target(self.address, self.recipient)]


def destination(text: str, rules: SelfServiceRules, *, signed_in: bool) -> Destination:
    """The mailbox or webhook that somebody named. UsageProblem if it is neither, or needs signing in."""
    text = text.strip()
    if len(text) > _LONGEST or "${" in text or not text.isprintable():
        raise UsageProblem("this is neither a mailbox nor a webhook", remedy="Write a mailbox, such as me@example.org")
    if "://" not in text:
        return _mailbox(text, rules)
    if not signed_in:
        raise UsageProblem("only people who are signed in can subscribe a webhook", remedy="Sign in, or name a mailbox")
    return _slack(text, rules) if is_slack(text) else _webhook(text, rules)


def _mailbox(text: str, rules: SelfServiceRules) -> Destination:
    if not rules.server:
        raise UsageProblem("mailboxes cannot be subscribed here", remedy="An operator can set [web.subscribe] server")
    try:
        mailbox = checked(text)
    except ChannelError as error:
        raise UsageProblem("this is not a mailbox", remedy="Write it as in me@example.org") from error
    domain = mailbox.rpartition("@")[2].lower()
    sign = "&" if "?" in rules.server else "?"
    address = f"{rules.server}{sign}to={quote(mailbox, safe='@')}"
    return Destination(address, mailbox, mailbox, _permitted(domain, rules))


def _slack(text: str, rules: SelfServiceRules) -> Destination:
    try:
        found = slack_address(text)
    except ChannelError as error:
        raise UsageProblem(error.what, remedy=error.remedy) from error
    if found.way is SlackWay.BOT:
        raise UsageProblem("a bot's token is not a webhook", remedy="Create an incoming webhook in Slack")
    shown = found.shown()
    return Destination(text, "", shown, _permitted((urlsplit(shown).hostname or "").lower(), rules))


def _webhook(text: str, rules: SelfServiceRules) -> Destination:
    found = re.fullmatch(r"(?:http|json)(?P<tls>s?)://(?P<host>[^/?#@\s]+)(?P<path>/[^?#\s]*)?", text, re.IGNORECASE)
    if not found:
        raise UsageProblem(
            "this is not the address of a webhook", remedy="Write https://HOST/PATH, without parameters or a login"
        )
    host = found["host"].lower()
    address = f"json{found['tls'].lower()}://{host}{found['path'] or '/'}"
    check_address(address)
    return Destination(address, "", f"http{found['tls'].lower()}://{host}/****", _permitted(host, rules))


def _permitted(domain: str, rules: SelfServiceRules) -> bool:
    return domain in {d.lower() for d in rules.domains}
