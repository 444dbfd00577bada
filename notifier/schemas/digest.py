"""A digest as plain values, for programs to read: the JSON file and the JSON webhook carry it.  Pure."""

from __future__ import annotations

from typing import Any

from feeds.advisories.cis_editions import edition_id
from feeds.core.times import stamp
from notifier.alerts.digest import AuditsDue, Digest, DigestItem, Group
from notifier.domain.hosts import Hosts
from notifier.schemas.row_fields import advice_fields


def plain(digest: Digest) -> dict[str, Any]:
    """The digest as an object of JSON; docs/reference/schemas/files/digest.json describes it."""
    return {
        "key": digest.key,
        "subscription": digest.subscription,
        "welcome": digest.welcome,
        "created_at": stamp(digest.created_at),
        "items": [_item(i) for i in digest.items],
        "more": digest.more,
        "images": {
            "bases": [
                {
                    "base": b.base,
                    "event": b.event.value,
                    "at": stamp(b.at) if b.at else None,
                    "images": b.images,
                    "first": list(b.first),
                    "hosts": b.hosts,
                }
                for b in digest.images.bases
            ],
            "splits": [
                {
                    "image": s.name,
                    "images": [{"image": image, "hosts": hosts} for image, hosts in s.parts],
                    "since": stamp(s.since),
                }
                for s in digest.images.splits
            ],
        },
        "overdue": [
            {
                "advisory": i.advisory.name,
                "severity": i.advisory.severity.value if i.advisory.severity else None,
                "groups": [
                    {
                        "product": g.product,
                        "version": g.version,
                        "hosts": _hosts(g.hosts),
                        "first_exposed": g.first.isoformat(),
                        "due": g.due.isoformat(),
                        "upgrade_to": g.upgrade_to,
                    }
                    for g in i.groups
                ],
            }
            for i in digest.overdue
        ],
        "clear": _hosts(digest.unaffected_hosts),
        "undecided": [_group(g) for g in digest.undecided],
        "foot": {
            "hosts": digest.footer.hosts,
            "mirror": digest.footer.mirror or None,
            "sources": [
                {"name": s.name, "state": s.state.value, "last_success": stamp(s.last_success)}
                for s in digest.footer.sources
            ],
        },
    }


def _item(item: DigestItem) -> dict[str, Any]:
    about = item.advisory
    return {
        "advisory": about.name,
        "aliases": list(about.aliases),
        "kind": about.kind.value,
        "title": about.title,
        "severity": about.severity.value if about.severity else None,
        "cvss": about.cvss,
        "url": about.url or None,
        "change": item.change,
        "groups": [_group(g) for g in item.groups],
        "audits": _audits(item.audits) if item.audits else None,
    }


def _audits(due: AuditsDue) -> dict[str, Any]:
    return {
        "again": [
            {"edition": edition_id(o.edition.line, o.edition.version) if o.edition else None, "hosts": _hosts(o.hosts)}
            for o in due.again
        ],
        "never": _hosts(due.never),
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "product": group.product,
        "version": group.version,
        "package": group.package or None,
        "verdict": group.status.value,
        "hosts": _hosts(group.hosts),
        "fixed_in": list(group.fixed_in),
        "upgrade_to": group.upgrade_to,
        **advice_fields(group.advice),
        "reason": group.reason,
    }


def _hosts(hosts: Hosts) -> dict[str, Any]:
    return {"count": hosts.count, "names": list(hosts.names)}
