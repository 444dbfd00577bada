"""The tables of `notifier`: the inventory, subscriptions, the alert history, and the outbox with its log.

Components and sets of tags are interned: a fleet of a million hosts runs a few hundred distinct
components under a few dozen sets of tags, and every verdict is made for those.
"""

from __future__ import annotations

import sqlalchemy as sa

import notifier.storage.access_tables
import notifier.storage.period_tables
import notifier.storage.push_tables
import notifier.storage.self_service_tables
import notifier.storage.stage_tables  # noqa: F401 - whoever loads these tables has all of the schema
from feeds.storage import tables as feeds_tables
from feeds.storage.database import UtcDateTime, metadata

tagset = sa.Table(
    "tagset",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tags", sa.Text, nullable=False, unique=True, comment="JSON object, sorted"),
)

inventory_scope = sa.Table(
    "inventory_scope",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="what an import speaks for: a file, a collection"),
)

inventory_import = sa.Table(
    "inventory_import",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scope", sa.Integer, sa.ForeignKey(inventory_scope.c.id), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
)

host = sa.Table(
    "host",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("tagset", sa.Integer, sa.ForeignKey(tagset.c.id), nullable=False, index=True),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.Column("last_seen", UtcDateTime, nullable=False),
    sa.Column("import", sa.Integer, sa.ForeignKey(inventory_import.c.id), nullable=False, comment="which saw it last"),
    sa.Column("views", sa.Text, nullable=False, comment="what each view says of it, see notifier.inventory.views"),
)

host_identity = sa.Table(
    "host_identity",
    metadata,
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True, comment="engine, machine or node"),
    sa.Column("value", sa.Text, nullable=False),
)

component = sa.Table(
    "component",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("distro", sa.Text, nullable=False),
    sa.Column("left_at", UtcDateTime, comment="since when no host runs it"),
    sa.UniqueConstraint("product", "version", "package", "distro"),
)

# What counts of a host's views.  Without a row number the table is its own index, by which hosts are counted.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("component", sa.Integer, sa.ForeignKey(component.c.id), primary_key=True),
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column(
        "import", sa.Integer, sa.ForeignKey(inventory_import.c.id), nullable=False, comment="which saw it here first"
    ),
    sqlite_with_rowid=False,
)

# Hosts on which another version is installed than the one that still runs.
restart = sa.Table(
    "restart",
    metadata,
    sa.Column("runs", sa.Integer, sa.ForeignKey(component.c.id), primary_key=True),
    sa.Column("installed", sa.Integer, sa.ForeignKey(component.c.id), primary_key=True),
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True, index=True),
)

# Hosts that run several components of one product: where there is none, counting components counts hosts.
multi_version_host = sa.Table(
    "several",
    metadata,
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("product", sa.Text, primary_key=True),
)

matched = sa.Table(
    "matched",
    metadata,
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False, comment="of all that the verdicts on it rest on"),
    sa.Column("through", sa.Integer, nullable=False, comment="the last component that it was matched with"),
)

# The verdicts other than "not affected" of what was matched.
verdict = sa.Table(
    "verdict",
    metadata,
    sa.Column("advisory", sa.Integer, sa.ForeignKey(matched.c.advisory, ondelete="CASCADE"), primary_key=True),
    sa.Column("component", sa.Integer, sa.ForeignKey(component.c.id), primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("fixed_in", sa.Text, nullable=False, comment="versions, with a blank between"),
    sa.Column("upgrade_to", sa.Text),
    sa.Index(None, "component", "status", "advisory"),
)

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("targets", sa.Text, nullable=False, comment="JSON list of channel addresses"),
    sa.Column("filters", sa.Text, nullable=False, comment="JSON of Filters"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("silent_start", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcDateTime, comment="its first run: what stood then is told, what comes later is news"),
    sa.Column("schedule", sa.Text, nullable=False, server_default="{}", comment="JSON of Schedule"),
    sa.Column("origin", sa.Text, nullable=False, server_default="", comment="the synced file that made it, or empty"),
    sa.Column("served_at", UtcDateTime, comment="when its news were last looked at because it was time"),
    sa.Column("reminded_at", UtcDateTime, comment="when it was last reminded of what is open"),
    sa.Column("removed_at", UtcDateTime, comment="empty: it is in force"),
    sa.Column("removed_name", sa.Text, comment="what a removed one was called"),
    sa.Column("problem", sa.Text, comment="why its digest could not be made the last time"),
    sa.Column("looked_at", UtcDateTime, comment="when it was last looked for news; empty: do it"),
    sa.Column(
        "owner", sa.Text, nullable=False, server_default="", comment="who subscribed themselves with it, or empty"
    ),
)

digest = sa.Table(
    "digest",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column(
        "subscription", sa.Integer, sa.ForeignKey(subscription.c.id, ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("welcome", sa.Boolean, nullable=False),
    sa.Column("message", sa.Text, nullable=False, comment="JSON of the rendered Message"),
    sa.Column("lost_at", UtcDateTime, comment="every target had given it up"),
)

told = sa.Table(
    "told",
    metadata,
    sa.Column("subscription", sa.Integer, sa.ForeignKey(subscription.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id), primary_key=True),
    sa.Column("facets", sa.Text, nullable=False, comment="JSON of Facets: what mattered when it was told"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.Integer, sa.ForeignKey(digest.c.id, ondelete="SET NULL"), comment="empty: noted in silence"),
    sa.Column("first_at", UtcDateTime, comment="when it was told or noted first"),
)

# Kept until the digest arrives.
told_before = sa.Table(
    "told_before",
    metadata,
    sa.Column("digest", sa.Integer, sa.ForeignKey(digest.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id), primary_key=True, index=True),
    sa.Column("state", sa.Text, nullable=False, comment="JSON of the row of told, or null"),
)

telling = sa.Table(
    "telling",
    metadata,
    sa.Column("digest", sa.Integer, sa.ForeignKey(digest.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id), primary_key=True, index=True),
    sa.Column("change", sa.Text, nullable=False, comment="new, update or correction"),
    sa.Column("words", sa.Text, nullable=False, comment="what had changed"),
)

silence = sa.Table(
    "silence",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id), nullable=False, index=True),
    sa.Column("scope", sa.Text, nullable=False, comment="JSON of Scope: the hosts that it speaks of"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("justification", sa.Text, nullable=False, comment="VEX's word for why it is harmless, or empty"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("facets", sa.Text, nullable=False, comment="JSON of Facets when it was made: what is worse breaks it"),
)

hand = sa.Table(
    "hand",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(feeds_tables.advisory.c.id), nullable=False, index=True),
    sa.Column("scope", sa.Text, nullable=False, comment="JSON of Scope: the hosts that were taken in hand"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("due", sa.Date, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("released_at", UtcDateTime),
)

departure = sa.Table(
    "departure",
    metadata,
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("component", sa.Integer, sa.ForeignKey(component.c.id), primary_key=True),
    sa.Column(
        "import",
        sa.Integer,
        sa.ForeignKey(inventory_import.c.id),
        nullable=False,
        index=True,
        comment="by which the host no longer ran it",
    ),
)

# Audits of hosts against an edition of the CIS benchmark.  The check is the number of one that failed.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", sa.Text, nullable=False, comment="by name, since it may not be in the inventory"),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("line", sa.Text, nullable=False, comment="the engine line of the edition, or empty"),
    sa.Column("version", sa.Text, nullable=False, comment="the version of the edition; empty: not known"),
    sa.Column("doubt", sa.Text, nullable=False, comment="why the edition is not certain, or empty"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("imported_at", UtcDateTime, nullable=False),
    sa.Column("score", sa.Float, comment="as the tool counts it"),
    sa.Column("passed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("other", sa.Integer, nullable=False),
    sa.Column("policy", sa.Text, nullable=False, comment="the name of Wazuh's policy, or empty"),
    sa.Column("listed", sa.Boolean, nullable=False, comment="whether its failed checks are known"),
    sa.UniqueConstraint("host", "tool", "line", "version", "at"),
)

audit_check = sa.Table(
    "audit_check",
    metadata,
    sa.Column("audit", sa.Integer, sa.ForeignKey(audit.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("check", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
)

notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("message", sa.Text, nullable=False, comment="JSON of a Message to the operator"),
    sa.Column(
        "purpose", sa.Text, nullable=False, server_default="", comment="confirm or undo: for one person, at once"
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Integer, sa.ForeignKey(digest.c.id, ondelete="CASCADE")),
    sa.Column("notice", sa.Integer, sa.ForeignKey(notice.c.id, ondelete="CASCADE")),
    sa.Column("target", sa.Text, nullable=False, comment="the channel's address"),
    sa.Column("recipient", sa.Text, nullable=False, comment="one of the address's recipients, or empty"),
    sa.Column("state", sa.Text, nullable=False, index=True, comment="pending, sending, sent or failed"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False, server_default="0", comment="of its messages, those that arrived"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("claimed_at", UtcDateTime, comment="since when it is being sent"),
    sa.Column("claimed_by", sa.Text, nullable=False, server_default="", comment="the process that sends it"),
    sa.Column("reported", sa.Boolean, nullable=False, server_default=sa.false(), comment="its failure was told"),
    sa.Column("answer", sa.Text, nullable=False, comment="what the channel said last"),
    sa.UniqueConstraint("digest", "target", "recipient"),
    sa.UniqueConstraint("notice", "target", "recipient"),
    sa.CheckConstraint("(digest IS NULL) <> (notice IS NULL)", name="one_message"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("outbox", sa.Integer, sa.ForeignKey(outbox.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False, comment="sent, retry, failed, interrupted or asked for"),
    sa.Column("answer", sa.Text, nullable=False, comment="what the channel said, without secrets"),
)

trend = sa.Table(
    "trend",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="in UTC"),
    sa.Column("level", sa.Text, primary_key=True, comment="a severity, or unscored"),
    sa.Column("affected", sa.Integer, nullable=False, comment="hosts that this was the worst for, at the day's end"),
    sa.Column("hosts", sa.Integer, nullable=False, comment="all hosts of the inventory"),
)

last_run = sa.Table(
    "last_run",
    metadata,
    sa.Column("command", sa.Text, primary_key=True),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False, comment="by a clock that does not jump"),
    sa.Column("status", sa.Integer, nullable=False, comment="its exit status"),
    sa.Column("succeeded_at", UtcDateTime, comment="when it last ended with status 0"),
)

# A name that was asked for, with the image that runs by it: many containers share one.
image_use = sa.Table(
    "image_use",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, comment="as containers were started with it; normal form"),
    sa.Column("digest", sa.Text, nullable=False, comment="of a config, manifest or index, as the engine says it"),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("left_at", UtcDateTime, comment="no host runs it since"),
    sa.UniqueConstraint("name", "digest", "platform"),
)

running_image = sa.Table(
    "running_image",
    metadata,
    sa.Column("use", sa.Integer, sa.ForeignKey(image_use.c.id), primary_key=True),
    sa.Column("host", sa.Integer, sa.ForeignKey(host.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("since", UtcDateTime, nullable=False, comment="when it was first seen there"),
    sqlite_with_rowid=False,
)

# What a subscription was told of images, so that it is reported once.
image_told = sa.Table(
    "image_told",
    metadata,
    sa.Column("subscription", sa.Integer, sa.ForeignKey(subscription.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("event", sa.Text, primary_key=True, comment="a base, a platform and its layers; or a split"),
    sa.Column("image", sa.Text, primary_key=True, comment="which image and name it concerned"),
    sa.Column("hosts", sa.Integer, nullable=False, comment="on how many hosts it ran"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, comment="the key of the digest that said it"),
)
