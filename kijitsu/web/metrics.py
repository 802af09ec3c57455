"""What Prometheus reads: the figures of the installation, looked up when it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from kijitsu.domain.errors import KijitsuError
from kijitsu.office import Office
from kijitsu.services.metrics import Figures, figures


def exposition(office: Office, accepted: str) -> tuple[bytes, str]:
    """Return the metrics in a form that the client accepts, and the type of the content."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(office))
    encode, content_type = choose_encoder(accepted)
    return encode(registry), content_type


class _Collector:
    """Reads the database at each scrape; without it, says so and what else is known."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("kijitsu_build", "The program.", {"version": _version(), "python": python_version()})
        try:
            found = figures(self._office)
        except KijitsuError:
            found = []
        is_there = GaugeMetricFamily("kijitsu_database_up", "1 where the database could be read, else 0.")
        is_there.add_metric([], bool(found))
        yield is_there
        yield from _families(found)


def _families(found: Sequence[Figures]) -> Iterator[Metric]:
    yield _gauge(
        "kijitsu_pass_last_timestamp_seconds",
        "When the latest pass of a plan ran.",
        ["plan"],
        ((f, [each.plan], each.ran_at.timestamp()) for f in found for each in f.passes),
    )
    yield _gauge(
        "kijitsu_pass_duration_seconds",
        "How long the latest pass of a plan took, without its letters' delivery.",
        ["plan"],
        ((f, [p.plan], p.summary["seconds"]) for f in found for p in f.passes if "seconds" in p.summary),
    )
    yield _gauge(
        "kijitsu_milestones",
        "Milestones by status, as of the latest pass of their plan.",
        ["plan", "status"],
        ((f, key, count) for f in found for key, count in f.milestones.items()),
    )
    yield _gauge(
        "kijitsu_reminders",
        "Reminders of the ledger by state.",
        ["plan", "state"],
        ((f, key, count) for f in found for key, count in f.reminders.items()),
    )
    yield _gauge(
        "kijitsu_outbox_messages",
        "Messages by state; dead ones are for the secretariat to mend.",
        ["state", "channel"],
        ((f, key, count) for f in found for key, count in f.messages.items()),
    )
    yield _gauge(
        "kijitsu_outbox_oldest_waiting_seconds",
        "Age of the oldest message that is not sent yet, 0 where none waits.",
        [],
        ((f, (), f.waiting_seconds) for f in found),
    )
    entries = CounterMetricFamily("kijitsu_audit_entries", "Entries of the audit log.", labels=["municipality"])
    for each in found:
        entries.add_metric([each.municipality], each.audit)
    yield entries


def _gauge(
    name: str, what: str, labels: list[str], samples: Iterable[tuple[Figures, Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=["municipality", *labels])
    for figure, values, value in samples:
        family.add_metric([figure.municipality, *values], value)
    return family


@cache
def _version() -> str:
    return version("kijitsu")
