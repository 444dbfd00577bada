"""What to upgrade a component to, as every output shows it.  Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The upgrade that closes one advisory on one component, and what is known of its package."""

    upgrade_to: str | None = None
    """The release, or the version of a distribution's package; None if none that closes it can be installed."""
    minimum: str | None = None
    """The lowest release that closes it: of that line, or of all where the product has no lines."""
    by_line: bool = True
    """Whether only releases of that line were compared for it."""
    name: str = ""
    """The name of the package that brings it; "" if the package was not verified."""
    package: str | None = None
    """The package version, or file of a static build, as the channel's index lists it; None if not verified."""
    source_only: tuple[str, ...] = ()
    """Fixed releases of the component's own line that have a tag, and no package in its channel."""
    place: str = ""
    """The distribution or channel without those packages: "ubuntu-22.04"."""
    unverified: bool = False
    """Whether the product comes in Docker's packages, and the index of the host's channel was not read."""
    note: str = ""
    """What else to know: which package brings a component that has none of its own."""
    command: str = ""
    """The command that installs it; "" if none is known."""

    @property
    def words(self) -> tuple[str, ...]:
        """What to show beside the release, most important first: the one wording for every output."""
        if self.package and self.package != self.upgrade_to:
            return (f"package {self.name} {self.package}" if self.name else f"static build {self.package}", *self.notes)
        return self.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """The same without the package."""
        found = []
        if self.note:
            found.append(self.note)
        if self.source_only:
            found.append(f"fixed in {', '.join(self.source_only)} ({without_package(self.place)})")
        if self.minimum and self.minimum != self.upgrade_to:
            found.append(f"{self.minimum} is the lowest release {'of the line ' if self.by_line else ''}that closes it")
        if self.unverified and self.upgrade_to:
            found.append(NOT_VERIFIED)
        return tuple(found)


NOTHING = Advice()
NOT_VERIFIED = "package not verified"


def without_package(place: str) -> str:
    """That a fix exists as source only: "source only: no package for ubuntu-22.04"."""
    return "source only: no static build" if place == "static" else f"source only: no package for {place}"
