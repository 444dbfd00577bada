"""Channel addresses as people give and see them: checked, described, and shown without secrets."""

from __future__ import annotations

from collections.abc import Iterable

from feeds.core.errors import ChannelError, NavtexError, UsageProblem
from notifier.channels import described, expand, host_of, shown
from notifier.domain.jobs import LOCAL
from notifier.domain.messages import Target
from notifier.domain.subscriptions import Subscription
from notifier.security.redaction import redact
from notifier.security.references import has_references, resolved, shown_with_references

_LOCAL = ("file:", "atom:", "syslog:", "dbus:", "kde:", "qt:", "glib:", "gnome:", "macosx:", "windows:")
"""Schemes of channels of this very machine."""


def shown_address(address: str) -> str:
    """The address without passwords and tokens. References to secrets stay as they are written."""
    return shown_with_references(address) if has_references(address) else shown(address)


def understood(addresses: Iterable[str]) -> tuple[str, ...]:
    """What was understood of each address (server, port, TLS, recipients), where that says more than the address."""
    return tuple(words for a in addresses if not has_references(a) and (words := described(a)) != shown_address(a))


def check_address(address: str, where: str = "") -> str:
    """Check a channel address; a warning comes back where its secrets are not available here, else "".

    `where` names the place that it stands in. UsageProblem if the address cannot be used.
    """
    try:
        whole = resolved(address)
    except ChannelError as error:
        return f"{where + ': ' if where else ''}{shown_with_references(address)} is not checked: {error}"
    try:
        expand(whole)
    except ChannelError as error:
        what = f"{shown_address(address)}: {error.what}" if where else error.what
        raise UsageProblem(what, where=where, remedy=error.remedy) from error
    return ""


def check_remote(addresses: Iterable[str]) -> None:
    """UsageProblem for an address that only somebody on this machine may give: it writes to its disk, or reads secrets.

    What a reference names is sent to the address that it stands in, so whoever writes one reads what it names.
    """
    remedy = "Add it on the server with `navtex subscription`"
    for address in addresses:
        if has_references(address):
            raise UsageProblem("a reference to a secret of the server cannot be used here", where="to", remedy=remedy)
        if address.strip().lower().startswith(_LOCAL):
            raise UsageProblem(
                "a channel that writes files of the server cannot be used here", where="to", remedy=remedy
            )


def targets_of(address: str) -> list[Target]:
    """The targets of an address, one for each recipient. Each keeps the references, which are looked up on sending."""
    return [target._replace(address=address) for target in expand(resolved(address))]


def recipients_of(subscription: Subscription) -> list[Target]:
    """The targets of a subscription, without those whose recipient unsubscribed."""
    found = [target for address in subscription.targets for target in targets_of(address)]
    return [t for t in found if t.recipient.lower() not in subscription.unsubscribed]


def channel_host(address: str) -> str:
    """The host that messages to an address go to, or the service where it names no host; "local" for this machine.

    Files, and secrets that an address refers to, are on one machine. Nothing that is returned is a secret.
    """
    return LOCAL if has_references(address) else host_of(address)


def reachable_targets(addresses: Iterable[str]) -> tuple[list[Target], list[str]]:
    """The targets of those addresses that can be used, and a problem for each that cannot."""
    found: list[Target] = []
    problems: list[str] = []
    for address in addresses:
        try:
            found += targets_of(address)
        except Exception as error:  # noqa: BLE001 - one that cannot be used stops no other
            problems.append(reason(error))
    return found, problems


def reason(error: Exception) -> str:
    """Why something failed, in one line without secrets. An unexpected error is named by its class."""
    if isinstance(error, NavtexError):
        return redact(str(error))
    said = str(error).strip().splitlines()
    return redact(f"unexpected {type(error).__name__}{': ' + said[0][:300] if said else ''}")


def target_name(target: Target) -> str:
    """A target as people see it: its recipient, or its address without secrets."""
    return target.recipient or shown(target.address)
