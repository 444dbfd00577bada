"""Who claimed a delivery, and where another process could tell whether its own is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

_FIELDS = 5
_UNKNOWN = "-"


class Place(NamedTuple):
    """Where a process number means one process: a boot of a machine, and a PID namespace of it.

    Containers may share their host's name and network; each has a PID namespace all the same. "" stands for what is
    not known.
    """

    host: str
    boot: str
    namespace: str

    def shares_processes(self, other: Place) -> bool:
        """Whether a process number is known to mean the same process in both.

        >>> here = Place("web-1", "413610a1", "4026531836")
        >>> here.shares_processes(here), here.shares_processes(here._replace(namespace="4026532177"))
        (True, False)
        """
        return self == other and all(self)


@dataclass(frozen=True, slots=True)
class ClaimOwner:
    """A process that claims, and a token for one round of it. As text it is stored with the claim."""

    place: Place
    process: int
    token: str

    def __str__(self) -> str:
        return " ".join((*(part or _UNKNOWN for part in self.place), str(self.process), self.token))

    @classmethod
    def read(cls, text: str) -> ClaimOwner | None:
        """The owner that a claim names; None for a text of another form, as earlier versions wrote it."""
        parts = text.rsplit(" ", _FIELDS - 1)  # the name of a host may hold spaces
        if len(parts) < _FIELDS:
            return None
        host, boot, namespace, process, token = ("" if part == _UNKNOWN else part for part in parts)
        if not (process.isascii() and process.isdecimal()):
            return None
        return cls(Place(host, boot, namespace), int(process), token)
