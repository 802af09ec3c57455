"""Running it all on one machine: the Prefect server, the served deployments, the demonstration."""
