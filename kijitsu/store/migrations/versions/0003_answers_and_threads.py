"""Letters that carry dates and belong to threads; a pass that reads only what still waits or may be owed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("calendar", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("in_reply_to", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_reminders_deadline", "reminders", ["municipality", "plan", "milestone", "deadline"])
    op.create_index(
        "ix_reminders_pending",
        "reminders",
        ["municipality", "plan"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
