"""The figures of functions over the last hour or day: what the dashboard shows, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from functions.documents import Json
from functions.errors import OperationDeniedError
from functions.operations.aws import AwsCalls
from functions.operations.naming import physical_name

COUNTS: Final = (
    "Acted",
    "NoAction",
    "Suppressed",
    "Rejected",
    "Failed",
    "Replayed",
    "RungModel",
    "RungCache",
    "RungFallback",
    "RungNone",
    "ConsentUnknown",
)
PERCENTILES: Final = ("p50", "p99")

_OUTCOMES: Final = ("Acted", "NoAction", "Suppressed", "Rejected", "Failed")
_RUNGS: Final = ("RungModel", "RungCache", "RungFallback", "RungNone")
_MOST_QUERIES: Final = 500
"""Of one call. Source: CloudWatch API reference, GetMetricData."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one function did.

    Attributes:
        function: Its name.
        counts: By the names of `COUNTS`.
        latency_ms: By the names of `PERCENTILES`; without events there is none.
        dead_letters: Messages in its dead-letter queue now; None where there is no queue.
    """

    function: str
    counts: Mapping[str, int]
    latency_ms: Mapping[str, float]
    dead_letters: int | None

    @property
    def fallback_share(self) -> float | None:
        """Share of answers that were not the model's; None without any."""
        return self._share(("RungCache", "RungFallback"), _RUNGS)

    @property
    def unknown_consent_share(self) -> float | None:
        """Share of events for which nothing was known of the consent; None without any."""
        return self._share(("ConsentUnknown",), _OUTCOMES)

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "function": self.function,
            **{_snake(name): self.counts[name] for name in (*_OUTCOMES, "Replayed")},
            "latency_ms": dict(self.latency_ms),
            "fallback_share": self.fallback_share,
            "unknown_consent_share": self.unknown_consent_share,
            "dead_letters": self.dead_letters,
        }

    def _share(self, part: Sequence[str], whole: Sequence[str]) -> float | None:
        total = sum(self.counts[name] for name in whole)
        return sum(self.counts[name] for name in part) / total if total else None


def read_figures(
    cloudwatch: AwsCalls,
    queues: AwsCalls,
    *,
    environment: str,
    functions: Sequence[str],
    window: timedelta,
    now: datetime,
) -> list[Figures]:
    """Read the figures of functions.

    Args:
        cloudwatch: CloudWatch.
        queues: SQS.
        environment: Name of the deployment.
        functions: Their names.
        window: How far back.
        now: The end of the window.

    Raises:
        OperationError: AWS refuses.
    """
    queries = [query for name in functions for query in _queries(name, environment, window)]
    labels = {query["Id"]: index for index, query in enumerate(queries)}
    values: list[list[float]] = [[] for _ in queries]
    for first in range(0, len(queries), _MOST_QUERIES):
        for result in _results(cloudwatch, queries[first : first + _MOST_QUERIES], now - window, now):
            values[labels[result["Id"]]] += result["Values"]
    wide = len(COUNTS) + len(PERCENTILES)
    return [
        _figures(
            name,
            dict(zip((*COUNTS, *PERCENTILES), values[index * wide : (index + 1) * wide], strict=True)),
            _dead_letters(queues, f"{physical_name(environment, name)}_dlq"),
        )
        for index, name in enumerate(functions)
    ]


def _figures(name: str, values: Mapping[str, Sequence[float]], dead_letters: int | None) -> Figures:
    return Figures(
        function=name,
        counts={count: round(sum(values[count])) for count in COUNTS},
        # A window that is cut in two has two percentiles; the worse one is what somebody looks for.
        latency_ms={one: max(values[one]) for one in PERCENTILES if values[one]},
        dead_letters=dead_letters,
    )


def _queries(name: str, environment: str, window: timedelta) -> list[dict[str, Any]]:
    wanted = [(metric, "Sum") for metric in COUNTS] + [("Latency", one) for one in PERCENTILES]
    return [
        {
            "Id": f"m_{name.replace('-', '_')}_{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": f"Functions/{environment}",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "service", "Value": name}],
                },
                "Period": int(window.total_seconds()),
                "Stat": statistic,
            },
        }
        for index, (metric, statistic) in enumerate(wanted)
    ]


def _results(
    cloudwatch: AwsCalls, queries: Sequence[dict[str, Any]], begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"MetricDataQueries": list(queries), "StartTime": begin, "EndTime": end}
    while True:
        answer = cloudwatch.call("get_metric_data", **page)
        found += answer["MetricDataResults"]
        if not answer.get("NextToken"):
            return found
        page["NextToken"] = answer["NextToken"]


def _dead_letters(queues: AwsCalls, name: str) -> int | None:
    wanted = "ApproximateNumberOfMessages"
    try:
        url = queues.call("get_queue_url", QueueName=name)["QueueUrl"]
        answer = queues.call("get_queue_attributes", QueueUrl=url, AttributeNames=[wanted])
    except OperationDeniedError:
        return None
    return int(answer["Attributes"][wanted])


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("_")
