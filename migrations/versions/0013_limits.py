"""Limits per receiving provider and sending domain: their rates, back-off and warm-up"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

RowNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNSETTLED = sa.text("settled_at IS NULL")
WAITING = sa.text("state IN ('queued', 'deferred')")

# Whose many domains have the same mail servers, and the domains of these servers.
FAMILIES = {
    "Gmail": (("gmail.com", "googlemail.com"), ("google.com", "googlemail.com")),
    "GMX, WEB.DE": (
        ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "gmx.eu", "web.de", "mail.com", "email.de", "1und1.de"),
        ("gmx.net", "web.de", "kundenserver.de", "mail.com"),
    ),
    "Microsoft": (
        (
            "outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.co.uk",
            "live.com", "live.de", "msn.com",
        ),
        ("outlook.com",),
    ),
    "Telekom": (("t-online.de", "magenta.de"), ("t-online.de",)),
    "Yahoo, AOL": (
        ("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.co.uk", "ymail.com", "rocketmail.com", "aol.com",
         "aol.de"),
        ("yahoodns.net",),
    ),
    "iCloud": (("icloud.com", "me.com", "mac.com"), ("icloud.com",)),
    "freenet": (("freenet.de",), ("freenet.de",)),
}


def upgrade() -> None:
    op.create_table(
        "providers",
        sa.Column("id", RowNumber, nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=True),
        sa.Column("per_hour", RowNumber, nullable=True),
        sa.Column("connections", RowNumber, nullable=True),
        sa.Column("slowed_to", sa.Double(), nullable=True),
        sa.Column("slowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said", sa.String(length=20), nullable=True),
        sa.Column("is_apart", sa.Boolean(), nullable=False),
        sa.Column("second_left", sa.Double(), nullable=True),
        sa.Column("hour_left", sa.Double(), nullable=True),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_providers_name")),
    )
    op.create_index(op.f("ix_providers_is_apart"), "providers", ["is_apart"])
    op.create_table(
        "provider_domains",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("provider_id", RowNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_provider_domains_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_provider_domains")),
    )
    op.create_index(op.f("ix_provider_domains_provider_id"), "provider_domains", ["provider_id"])
    op.create_table(
        "provider_exchangers",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("provider_id", RowNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_provider_exchangers_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_provider_exchangers")),
    )
    op.create_index(op.f("ix_provider_exchangers_provider_id"), "provider_exchangers", ["provider_id"])
    op.create_table(
        "sending_domains",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=True),
        sa.Column("per_hour", RowNumber, nullable=True),
        sa.Column("connections", RowNumber, nullable=True),
        sa.Column("second_left", sa.Double(), nullable=True),
        sa.Column("hour_left", sa.Double(), nullable=True),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warm_up_first", RowNumber, nullable=True),
        sa.Column("warm_up_until", RowNumber, nullable=True),
        sa.Column("warm_up_stage", RowNumber, nullable=True),
        sa.Column("warm_up_day_began", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warm_up_used", RowNumber, nullable=True),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_sending_domains")),
    )
    op.add_column("messages", sa.Column("provider_id", RowNumber, nullable=False, server_default="0"))
    _wait_by("mailing_id", "provider_id", "not_before", "id")
    op.add_column("mailings", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "mailing_alarms",
        sa.Column("id", RowNumber, nullable=False),
        sa.Column("mailing_id", RowNumber, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("is_pause", sa.Boolean(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_alarms_mailing_id_mailings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_alarms")),
    )
    op.create_index(op.f("ix_mailing_alarms_mailing_id"), "mailing_alarms", ["mailing_id"])
    op.create_index(op.f("ix_mailing_alarms_settled_at"), "mailing_alarms", ["settled_at"])
    op.create_index(
        "uq_mailing_alarms_unsettled",
        "mailing_alarms",
        ["mailing_id", "kind"],
        unique=True,
        sqlite_where=UNSETTLED,
        postgresql_where=UNSETTLED,
    )
    _add_families()


def downgrade() -> None:
    op.drop_table("mailing_alarms")
    op.drop_column("mailings", "moved_at")
    _wait_by("mailing_id", "not_before", "id")
    op.drop_column("messages", "provider_id")
    op.drop_table("sending_domains")
    op.drop_table("provider_exchangers")
    op.drop_table("provider_domains")
    op.drop_table("providers")


def _wait_by(*columns: str) -> None:
    op.drop_index("ix_messages_waiting", "messages")
    op.create_index(
        "ix_messages_waiting", "messages", list(columns), sqlite_where=WAITING, postgresql_where=WAITING
    )


def _add_families() -> None:
    metadata = sa.MetaData()
    connection = op.get_bind()
    providers, domains, exchangers = (
        sa.Table(name, metadata, autoload_with=connection)
        for name in ("providers", "provider_domains", "provider_exchangers")
    )
    for name, (its_domains, its_exchangers) in FAMILIES.items():
        provider = connection.execute(
            providers.insert().values(name=name, is_apart=False).returning(providers.c.id)
        ).scalar_one()
        for domain in its_domains:
            connection.execute(domains.insert().values(domain=domain, provider_id=provider))
        for domain in its_exchangers:
            connection.execute(exchangers.insert().values(domain=domain, provider_id=provider))
