"""Who signs in to the board: accounts, their visits, one-time links, and what was tried in vain."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality", "account", name="pk_accounts"),
    )
    op.create_table(
        "visits",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("began_by", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "token_sha256", name="pk_visits"),
    )
    op.create_index("ix_visits_account", "visits", ["municipality", "account"])
    op.create_table(
        "sign_in_links",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality", "token_sha256", name="pk_sign_in_links"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("municipality", sa.String(6), nullable=False),
        sa.Column("subject_sha256", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality", "subject_sha256", name="pk_sign_in_attempts"),
    )
