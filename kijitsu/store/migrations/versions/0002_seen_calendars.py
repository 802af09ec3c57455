"""The closed days that an adopted plan was last computed with, so that a changed calendar is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "seen_calendars",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("calendar", sa.String(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("closed", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "plan", "calendar", name="pk_seen_calendars"),
    )
