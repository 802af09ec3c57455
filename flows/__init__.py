"""Prefect flows: each reads like the procedure it automates and leaves every decision to `kijitsu`."""
