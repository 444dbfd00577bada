"""Slack's addresses: webhooks, workflow and trigger webhooks, those of GovSlack, and bots with a token and channels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from feeds.core.errors import ChannelError

_HELP = "See `navtex help channels`"
_HOOK = re.compile(r"https?://hooks\.slack(?P<gov>-gov)?\.com(?::443)?/(?P<path>[^?#]*)(?:\?.*)?", re.IGNORECASE)
_PATHS = {
    "services": re.compile(r"services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+/?"),
    "workflows": re.compile(r"workflows/[A-Za-z0-9]+/[A-Za-z0-9]+/[0-9]+/[A-Za-z0-9]+/?"),
    "triggers": re.compile(r"triggers/[A-Za-z0-9]+/[0-9]+/[A-Za-z0-9]+/?"),
}
_MODES = {"": "services", "hook": "services", "gov-hook": "services", "workflow": "workflows", "trigger": "triggers"}
_WITHOUT_EFFECT = (
    *("image", "footer", "timestamp", "blocks", "format", "overflow", "emojis", "tz", "retry", "wait", "optional"),
    *("store", "redirect", "rto", "cto"),
)
_PARAMETERS = ("mode", "to", "verify")


class SlackWay(Enum):
    """How Slack takes a message."""

    WEBHOOK = "webhook"
    WORKFLOW = "workflow"
    """A workflow's webhook or trigger, which takes a flat object of texts."""
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class SlackAddress:
    """Where a message for Slack goes."""

    way: SlackWay
    path: str = ""
    """Of a webhook, with its secret, from the host on: `services/T../B../...`."""
    government: bool = False
    token: str = ""
    channels: tuple[str, ...] = ()
    verify_certificate: bool = True

    def shown(self) -> str:
        """The address without its token or secret."""
        if self.way is SlackWay.BOT:
            return f"slack://xoxb-****/{'/'.join(self.channels)}"
        kind, _, rest = self.path.partition("/")
        return f"https://hooks.slack{'-gov' if self.government else ''}.com/{kind}/{rest[:1]}****"

    def described(self) -> str:
        """In words, what was understood."""
        if self.way is SlackWay.BOT:
            return f"Slack, by a bot, to {', '.join(self.channels)}"
        return f"{'GovSlack' if self.government else 'Slack'}, by a {self.path.partition('/')[0].rstrip('s')} webhook"


def is_slack(address: str) -> bool:
    """Whether an address is Slack's, whether it can be used or not."""
    parts = urlsplit(address.strip().lower())
    return parts.scheme == "slack" or re.fullmatch(r"hooks\.slack(-gov)?\.com(:\d+)?", parts.netloc) is not None


@lru_cache(maxsize=1024)
def slack_address(address: str) -> SlackAddress:
    """What an address of Slack's says; ChannelError, which shows no token, where that is not certain."""
    address = address.strip()
    if found := _HOOK.fullmatch(address):
        path = found["path"].strip("/")
        kind = path.partition("/")[0]
        if kind not in _PATHS:
            raise _refused(f"Slack webhooks start with {', '.join(_PATHS)}")
        return _webhook(kind, path, government=bool(found["gov"]))
    if not address.lower().startswith("slack://"):
        raise _refused("it is not a webhook address from Slack")
    before, _, query = address[len("slack://") :].partition("?")
    segments = [unquote(s) for s in _without_name(before).split("/") if s]
    fields = _fields(query)
    verify = fields.get("verify", "yes").lower() not in ("no", "false", "0", "off", "n")
    channels = [c.strip() for c in fields.get("to", "").split(",") if c.strip()]
    if segments and segments[0].lower().startswith(("xox", "xapp-")):
        return _bot(segments[0], [*segments[1:], *channels], verify=verify)
    mode = fields.get("mode", "").lower()
    if mode not in _MODES:
        raise _refused(
            "the mode of a webhook must be hook, gov-hook, workflow or trigger; a bot needs a token (xoxb-...)"
        )
    kind = _MODES[mode]
    if channels or any(s.startswith(("#", "@")) for s in segments):
        raise _refused("a webhook can post only to its own channel", "Remove the channel, or use a bot token")
    return _webhook(kind, "/".join((kind, *segments)), government=mode.startswith("gov"), verify=verify)


def _without_name(text: str) -> str:
    """The address without a bot's name in front of it, which Slack no longer uses."""
    head, slash, rest = text.partition("/")
    return head.rpartition("@")[2] + slash + rest


def _webhook(kind: str, path: str, *, government: bool, verify: bool = True) -> SlackAddress:
    if not _PATHS[kind].fullmatch(path):
        raise _refused(f"this is not a complete {kind.rstrip('s')} webhook", "Copy the complete address from Slack")
    way = SlackWay.WEBHOOK if kind == "services" else SlackWay.WORKFLOW
    return SlackAddress(way, path.rstrip("/"), government, verify_certificate=verify)


def _bot(token: str, channels: list[str], *, verify: bool) -> SlackAddress:
    if not re.fullmatch(r"(?:xoxe\.)?xoxb-[\w-]+", token):
        raise _refused("the token is not a bot token", "Use the app's Bot User OAuth Token, which starts with xoxb-")
    if not channels:
        raise _refused("a bot needs a channel", "Write slack://xoxb-TOKEN/#channel")
    named = []
    for channel in channels:
        if not re.fullmatch(r"[#@+]?[\w.-]{1,80}", channel):
            raise _refused(f"{channel!r} is not a channel" if channel.isprintable() else "a channel name is wrong")
        is_id = re.fullmatch(r"[CDGUW][A-Z0-9]{8,}", channel.lstrip("+"))
        named.append(channel.lstrip("+") if is_id else channel if channel[0] in "#@" else f"#{channel}")
    return SlackAddress(SlackWay.BOT, token=token, channels=tuple(dict.fromkeys(named)), verify_certificate=verify)


def _fields(query: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name.lower() in _WITHOUT_EFFECT:
            continue
        if name.lower() not in _PARAMETERS:
            shown = f" {name!r}" if re.fullmatch(r"[A-Za-z_]{1,20}", name) else ""
            raise _refused(f"the parameter{shown} is unknown", f"Known parameters: {', '.join(_PARAMETERS)}")
        found[name.lower()] = unquote(value)
    return found


def _refused(what: str, remedy: str = _HELP) -> ChannelError:
    return ChannelError(f"the Slack address cannot be used: {what}", remedy=remedy)
