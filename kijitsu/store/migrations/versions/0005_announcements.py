"""How far what happens was announced outside, and what was sent since. What an older database holds is no news."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", name="pk_announcements"),
    )
    op.execute("INSERT INTO announcements (municipality, number) SELECT municipality, number FROM audit_heads")
    op.add_column("outbox", sa.Column("is_news", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_outbox_news",
        "outbox",
        ["municipality", "sent_at"],
        sqlite_where=sa.column("is_news").is_(sa.true()),
        postgresql_where=sa.column("is_news").is_(sa.true()),
    )
