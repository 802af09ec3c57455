"""Prefect tasks: they adapt the use cases of `kijitsu` to Prefect (retries, names, logs) and decide nothing."""
