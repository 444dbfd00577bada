"""`[mail]`, `[slack]` and `[operator]`: how messages go out."""

from __future__ import annotations

import re

from feeds.core.addresses import web_address
from feeds.core.errors import ConfigError
from notifier.config.tables import SettingError, Table


class Mail(Table, frozen=True):
    """`[mail]`: the sender of mails whose address names none, and where one unsubscribes."""

    sender: str = ""
    unsubscribe: str = ""

    def __post_init__(self) -> None:
        from email.headerregistry import Address
        from email.utils import parseaddr

        if self.sender:
            try:
                Address(addr_spec=parseaddr(self.sender)[1])
            except (ValueError, IndexError):
                raise SettingError("sender", f"is {self.sender!r}, which is not a mail address") from None
        if self.unsubscribe and not re.fullmatch(r"(mailto:|https?://)[!-;=?-~]+", self.unsubscribe):
            raise SettingError("unsubscribe", f"is {self.unsubscribe!r}, which is not a mailto: or https:// address")


class Slack(Table, frozen=True):
    """`[slack]`: addresses to use instead of those of Slack's webhooks and Web API, for gateways and tests."""

    hook: str = ""
    api: str = ""

    def __post_init__(self) -> None:
        for name, url in (("hook", self.hook), ("api", self.api)):
            if url:
                try:
                    web_address(url, "")
                except ConfigError as error:
                    raise SettingError(name, f"is wrong: {error.what}") from None
                if re.search(r"[?#\s]", url):
                    raise SettingError(name, f"is {url!r}, which must be only a host and a path")


class Operator(Table, frozen=True):
    """`[operator]`: the channels that hear of what is wrong with Navtex itself."""

    to: tuple[str, ...] = ()
