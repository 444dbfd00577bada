"""Every error Navtex raises on purpose.

    NavtexError
    ├── UsageProblem          wrong use; the command line exits with 2
    │   ├── ConfigError       a setting is missing, misspelt or impossible
    │   └── UnknownName       no host, advisory, source or subscription of that name
    ├── VersionError          a text is not a version of the scheme it was read with
    ├── ShapeError            a document is not what its source publishes
    ├── InventoryError        an inventory holds nothing that can be read
    ├── DatabaseError         the database cannot be used as it is
    ├── ChannelError          a channel address is wrong, or a delivery failed
    └── Busy                  another run is at work; the command line exits with 4

What is expected to fail (a source, a delivery, a row of an inventory) comes back as a value
instead, so that the rest of the work goes on.
"""

from __future__ import annotations

from datetime import datetime


class NavtexError(Exception):
    """An error that a person can act on: what happened, where, and what to do."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.remedy}" if self.remedy else text


class UsageProblem(NavtexError):
    """Wrong use of the program."""


class ConfigError(UsageProblem):
    """A setting is missing, misspelt or impossible."""


class UnknownName(UsageProblem):
    """No such host, advisory, source, product or subscription."""


class VersionError(NavtexError, ValueError):
    """A text is not a version of the scheme it was read with."""


class ShapeError(NavtexError):
    """A document is not what its source publishes: a changed layout, an error page, a broken file."""


class InventoryError(NavtexError):
    """An inventory holds nothing that can be read."""


class DatabaseError(NavtexError):
    """The database cannot be used as it is."""


class ChannelError(NavtexError):
    """A channel address is wrong, or a delivery failed.

    `retry_at` is when the receiver asked to be tried again, if it said so; `permanent` is true
    when trying again cannot help (an unknown recipient, a malformed message); `unreachable` when
    it is the receiver's trouble, so that another message would fail now, too; `too_large` when a
    shorter message may arrive.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        retry_at: datetime | None = None,
        permanent: bool = False,
        unreachable: bool = False,
        too_large: bool = False,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.retry_at, self.permanent, self.unreachable = retry_at, permanent, unreachable
        self.too_large = too_large


class Busy(NavtexError):
    """Another run is at work."""
