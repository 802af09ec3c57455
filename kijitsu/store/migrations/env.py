"""How Alembic runs our migrations: in the transaction that it is handed, leaving logging as it is."""

from alembic import context

from kijitsu.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
