"""The form of a message that one recipient gets: with the links that are only its own.

A stored message has no token. It is derived when the message is sent, always the same, so that a mail that is sent
again is the same to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from feeds.core.errors import ChannelError
from notifier.domain.deliveries import Delivery
from notifier.domain.messages import LINK, Message, Target
from notifier.rendering.messages import fragment
from notifier.security.links import confirmation_token, unsubscribe_token


@dataclass(frozen=True, slots=True)
class PersonalForm:
    """A message as its recipient gets it, and the address at which that recipient unsubscribes; "" for none."""

    message: Message
    one_click: str = ""


def personal_form(one: Delivery, target: Target, web: str) -> PersonalForm:
    """The form of a delivery to a target, whose address is complete; `web` is the page's external address, or "".

    ChannelError if the message has a link and the page no address.
    """
    if one.message.seed:
        return PersonalForm(_linked(one.message, web))
    if not web or not one.subscription_id or not is_mail(target.address):
        return PersonalForm(one.message)
    url = f"{web}/u/{unsubscribe_token(one.subscription_id, target.recipient)}"
    return PersonalForm(_with_footer(one.message, web, url, target.recipient), url)


def is_mail(address: str) -> bool:
    """Whether an address, in which every reference was looked up, is that of mail."""
    return address.lower().startswith(("mailto:", "mailtos:"))


def _linked(message: Message, web: str) -> Message:
    token = confirmation_token(message.seed)
    if not web or not token:
        what = "[web] url is not set" if token else "the key of its link is missing"
        raise ChannelError(f"the message has a link to the page, but {what}", permanent=True)
    url = f"{web}/c/{token}"
    parts = {name: getattr(message, name).replace(LINK, url) for name in ("text", "html", "slack")}
    return msgspec.structs.replace(message, **parts)


def _with_footer(message: Message, web: str, url: str, recipient: str) -> Message:
    """The message with links to the page and to unsubscribe at its end.

    They are inserted into the output of the templates, which may be the user's own.
    """
    before, body, after = message.html.rpartition("</body>")
    html = fragment("personal/unsubscribe.html", {"web": f"{web}/", "url": url, "recipient": recipient})
    return msgspec.structs.replace(
        message,
        text=f"{message.text}\nLook at it on the page: {web}/\nUnsubscribe: {url}\n",
        html=f"{before}{html}{body}{after}" if body else f"{message.html}{html}",
    )
