"""Views of a host: what is declared, installed and running, by which import, and what waits; kept verdicts.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was known becomes one declaration of each host, by an import of the time when it was last seen."""
    op.create_table(
        "inventory_scope",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what an import speaks for: a file, a collection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_scope")),
        sa.UniqueConstraint("name", name=op.f("uq_inventory_scope_name")),
    )
    op.create_table(
        "inventory_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("at", _STAMP, nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["inventory_scope.id"], name=op.f("fk_inventory_import_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_import")),
    )
    op.create_index(op.f("ix_inventory_import_scope"), "inventory_import", ["scope"], unique=False)
    op.execute("CREATE TABLE installation_before AS SELECT component, host, since FROM installation")
    op.execute("INSERT INTO inventory_scope (name) SELECT '' WHERE EXISTS (SELECT 1 FROM host)")
    op.execute(
        "INSERT INTO inventory_import (scope, at) SELECT (SELECT id FROM inventory_scope), at FROM"
        " (SELECT last_seen AS at FROM host UNION SELECT since FROM installation_before) AS times ORDER BY at"
    )
    op.drop_index(op.f("ix_installation_host"), table_name="installation")
    op.drop_table("installation")
    # nothing refers to the hosts now, so that SQLite may make their table anew
    with op.batch_alter_table("host") as batch:
        batch.add_column(sa.Column("import", sa.Integer(), nullable=True, comment="which saw it last"))
        batch.add_column(
            sa.Column(
                "views",
                sa.Text(),
                nullable=True,
                comment="what each view says of it, see notifier.inventory.views",
            )
        )
    op.execute('UPDATE host SET "import" = (SELECT id FROM inventory_import WHERE at = host.last_seen)')
    joined = "group_concat(component, ',')" if _sqlite() else "string_agg(component::text, ',')"
    op.execute(
        "UPDATE host SET views = 'd' || \"import\" || ':' || coalesce((SELECT "  # noqa: S608
        f"{joined} FROM (SELECT component FROM installation_before AS i WHERE i.host = host.id ORDER BY component)"
        " AS held), '')"
    )
    with op.batch_alter_table("host") as batch:
        batch.alter_column("import", existing_type=sa.Integer(), existing_comment="which saw it last", nullable=False)
        batch.alter_column(
            "views",
            existing_type=sa.Text(),
            existing_comment="what each view says of it, see notifier.inventory.views",
            nullable=False,
        )
        batch.create_foreign_key(op.f("fk_host_import"), "inventory_import", ["import"], ["id"])
    _installation(
        sa.Column("import", sa.Integer(), nullable=False, comment="which saw it here first"),
        sa.ForeignKeyConstraint(["import"], ["inventory_import.id"], name=op.f("fk_installation_import")),
        sqlite_with_rowid=False,
    )
    op.execute(
        'INSERT INTO installation (component, host, "import") SELECT b.component, b.host, i.id'
        " FROM installation_before AS b JOIN inventory_import AS i ON i.at = b.since"
    )
    op.drop_table("installation_before")
    op.create_table(
        "restart",
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("installed", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_restart_host"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["installed"], ["component.id"], name=op.f("fk_restart_installed")),
        sa.ForeignKeyConstraint(["runs"], ["component.id"], name=op.f("fk_restart_runs")),
        sa.PrimaryKeyConstraint("runs", "installed", "host", name=op.f("pk_restart")),
    )
    op.create_index(op.f("ix_restart_host"), "restart", ["host"], unique=False)
    op.create_table(
        "several",
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_several_host"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("host", "product", name=op.f("pk_several")),
    )
    op.execute(
        "INSERT INTO several (host, product) SELECT i.host, c.product FROM installation AS i"
        " JOIN component AS c ON c.id = i.component GROUP BY i.host, c.product HAVING count(*) > 1"
    )
    _verdicts()


def downgrade() -> None:
    """What counts stays; what was said besides is lost."""
    op.drop_index(op.f("ix_verdict_component_status_advisory"), table_name="verdict")
    op.drop_table("verdict")
    op.drop_table("matched")
    op.drop_table("several")
    op.drop_index(op.f("ix_restart_host"), table_name="restart")
    op.drop_table("restart")
    op.execute(
        "CREATE TABLE installation_after AS SELECT component, host, i.at AS since"
        ' FROM installation JOIN inventory_import AS i ON i.id = installation."import"'
    )
    op.drop_index(op.f("ix_installation_host"), table_name="installation")
    op.drop_table("installation")
    with op.batch_alter_table("host") as batch:
        batch.drop_constraint(op.f("fk_host_import"), type_="foreignkey")
        batch.drop_column("import")
        batch.drop_column("views")
    _installation(
        sa.Column("since", _STAMP, nullable=False, comment="when it was first seen on this host"),
    )
    op.execute(
        "INSERT INTO installation (component, host, since) SELECT component, host, since FROM installation_after"
    )
    op.drop_table("installation_after")
    op.drop_index(op.f("ix_inventory_import_scope"), table_name="inventory_import")
    op.drop_table("inventory_import")
    op.drop_table("inventory_scope")


def _installation(*more: sa.schema.SchemaItem, **options: bool) -> None:
    op.create_table(
        "installation",
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        *more,
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_installation_component")),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_installation_host"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("component", "host", name=op.f("pk_installation")),
        **options,
    )
    op.create_index(op.f("ix_installation_host"), "installation", ["host"], unique=False)


def _verdicts() -> None:
    op.create_table(
        "matched",
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="of all that the verdicts on it rest on"),
        sa.Column("through", sa.Integer(), nullable=False, comment="the last component that it was matched with"),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_matched_advisory"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("advisory", name=op.f("pk_matched")),
    )
    op.create_table(
        "verdict",
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fixed_in", sa.Text(), nullable=False, comment="versions, with a blank between"),
        sa.Column("upgrade_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["advisory"], ["matched.advisory"], name=op.f("fk_verdict_advisory"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_verdict_component")),
        sa.PrimaryKeyConstraint("advisory", "component", name=op.f("pk_verdict")),
    )
    op.create_index(
        op.f("ix_verdict_component_status_advisory"), "verdict", ["component", "status", "advisory"], unique=False
    )


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
