"""A message as it is sent, and where one copy of it goes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

LINK = "https://link.invalid/"
"""Stands in a stored message for the link that is filled in when it is sent."""


class Target(NamedTuple):
    """Where one message goes: a channel's address, and one of its recipients where it has several."""

    address: str
    recipient: str = ""


class Message(msgspec.Struct, frozen=True):
    """A rendered digest: what each kind of channel sends of it.

    `slack` is a JSON list of Block Kit blocks.  `key` names the digest in every message of it.
    `thread` is the key of the first digest that told of its item, where this one updates it.
    `data` is the digest as a JSON object; "" for a message that is not a digest.  `urgent` marks one with
    something in it that does not wait for the end of quiet hours.  `seed` is what the link that LINK stands for is
    derived from; "" for a message without one.
    """

    key: str
    subject: str
    text: str
    html: str
    slack: str
    created_at: datetime
    thread: str = ""
    data: str = ""
    urgent: bool = False
    seed: str = ""
