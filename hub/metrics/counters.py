"""What has happened, as counters and histograms.

The name of a count in Redis is told apart from its labels by bars, see `delivery.stores.meters`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from delivery.stores.meters import BOUNDS, buckets

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """How a count is told: its name in Redis, the metric, and its labels."""

    count: str
    metric: str
    help_text: str
    labels: tuple[str, ...] = ()


COUNTERS = (
    Told("attempts", "hub_attempts", "Requests to LRSs.", ("outcome", "status_class")),
    Told("intake", "hub_intake_statements", "Statements handed in.", ("result",)),
    Told("tokens", "hub_token_fetches", "Access tokens asked for.", ("result",)),
    Told("mails", "hub_mails", "Mails to technical contacts.", ("result",)),
    Told("rings", "hub_rings", "Rings for workers.", ("result",)),
    Told("leases_lost", "hub_leases_lost", "Leases that another took from a living drain."),
    Told("parked", "hub_statements_parked_ever", "Statements that were refused and set aside."),
    Told("replayed", "hub_statements_replayed", "Replayed statements that were delivered."),
    Told("syncs", "hub_syncs", "Runs of syncs.", ("state",)),
    Told("sync_rows", "hub_sync_rows", "Rows that LearningBuilder took."),
    Told("records", "hub_records", "Records of files, by what became of them.", ("result",)),
    Told("files", "hub_files", "Files that were read to their end, or given up.", ("result",)),
    Told("conversions", "hub_conversions", "Events made into completions.", ("result",)),
)
HISTOGRAMS = (
    Told("delivery", "hub_delivery_seconds", "From accepted to delivered."),
    Told("attempt", "hub_attempt_seconds", "How long requests to LRSs took.", ("outcome",)),
    Told("probe", "hub_probe_lateness_seconds", "How late probes were."),
)


def counters(counts: Counts) -> Iterator[Metric]:
    """Give the counters of all processes."""
    yield from (_counter(told, counts) for told in COUNTERS)
    yield from (_histogram(told, counts) for told in HISTOGRAMS)


def own_counters(counts: Counts) -> Iterator[Metric]:
    """Give what matters of this process alone: how much of the work it does."""
    attempts = sum(count for name, count in counts.items() if name.startswith("attempts|"))
    delivered = sum(buckets(counts, "delivery")[-1:])
    taken = counts.get("intake|accepted", 0)
    for name, help_text, count in (
        ("hub_process_attempts", "Requests to LRSs by this process.", attempts),
        ("hub_process_delivered", "Statements delivered by this process.", delivered),
        ("hub_process_accepted", "Statements taken in by this process.", taken),
    ):
        yield CounterMetricFamily(name, help_text, value=count)


def _counter(told: Told, counts: Counts) -> Metric:
    family = CounterMetricFamily(told.metric, told.help_text, labels=told.labels)
    found = {
        tuple(labels): count
        for name, count in counts.items()
        for first, *labels in [name.split("|")]
        if first == told.count and len(labels) == len(told.labels)
    }
    # Without labels there is one series, and it begins at 0: a rate needs a beginning.
    for labels, count in (found or ({} if told.labels else {(): 0})).items():
        family.add_metric(labels, count)
    return family


def _histogram(told: Told, counts: Counts) -> Metric:
    family = HistogramMetricFamily(told.metric, told.help_text, labels=told.labels)
    for labels in _labels(told, counts):
        total = counts.get("|".join((told.count, *labels, "sum")), 0)
        found = zip(map(_seconds, BOUNDS), buckets(counts, told.count, labels), strict=True)
        family.add_metric(labels, [(bound, float(n)) for bound, n in found], sum_value=total / 1000)
    return family


def _labels(told: Told, counts: Counts) -> Sequence[list[str]]:
    if not told.labels:
        return [[]]
    split = (name.split("|") for name in counts)
    return sorted(
        words[1:-1]
        for words in split
        if words[0] == told.count and len(words) == len(told.labels) + 2 and words[-1] == "sum"
    )


def _seconds(bound: str) -> str:
    return bound if bound == "+Inf" else str(int(bound) / 1000)
