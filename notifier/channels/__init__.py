"""Channels: one module for each kind, and the only imports of apprise and smtplib.

Apprise's addresses are the one way to name a channel, and Apprise delivers to its hundred services.
Mail, Slack and generic JSON go out natively, configured from the parsed address: mail with our own
plain text and HTML, a Message-ID that is the same at every attempt, and one connection for many; Slack as
blocks; JSON with the digest's key. `file:///folder` and `atom:///file` write to the disk.
"""

from notifier.channels.addresses import described, expand, host_of, redacted, shown
from notifier.channels.limits import Limits
from notifier.channels.mime import compose
from notifier.channels.sender import MessageSender

__all__ = ["Limits", "MessageSender", "compose", "described", "expand", "host_of", "redacted", "shown"]
