"""What is counted every minute for whoever watches an installation is read from an index."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index("ix_outbox_state", "outbox", ["municipality", "state", "channel"])
    op.create_index("ix_reminders_state", "reminders", ["municipality", "plan", "state"])
