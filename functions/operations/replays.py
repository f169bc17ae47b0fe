"""Replays of an archive of EventBridge onto its bus, for the rules of our functions and for no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.documents import Json
from functions.errors import SettingsError
from functions.events.replays import generation_of
from functions.operations.aws import AwsCalls
from functions.operations.naming import archive_name, physical_name, prefix_of
from functions.times import format_instant


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay that can be started.

    Attributes:
        name: Tells it apart from all others; the generation follows from it.
        archive: ARN of the archive.
        bus: ARN of the bus, the one that the archive was made of.
        rules: ARN of the rule of each function, by the function's name.
        skipped: Functions without a rule on the bus: a stream fires them, or nothing yet.
        begin: Events that EventBridge took at this time or later.
        end: And before this time.
    """

    name: str
    archive: str
    bus: str
    rules: Mapping[str, str]
    skipped: tuple[str, ...]
    begin: datetime
    end: datetime

    @property
    def generation(self) -> int:
        """Number of the replay in receipts and decisions."""
        return generation_of(self.name)

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "replay": self.name,
            "generation": self.generation,
            "from": format_instant(self.begin),
            "to": format_instant(self.end),
            "archive": self.archive,
            "bus": self.bus,
            "functions": sorted(self.rules),
            "skipped": list(self.skipped),
        }


def replay_name(beginning: str, now: datetime) -> str:
    """Return a name that no earlier replay has, in what EventBridge takes for one.

    >>> from datetime import UTC
    >>> replay_name("functions-dev", datetime(2026, 11, 2, 9, 15, tzinfo=UTC))
    'functions-dev-20261102T091500Z'
    """
    return f"{beginning}-{now:%Y%m%dT%H%M%SZ}"


def prepare_replay(
    events: AwsCalls,
    *,
    environment: str,
    functions: Collection[str],
    begin: datetime,
    end: datetime,
    now: datetime,
    archive: str | None = None,
) -> Replay:
    """Look up what a replay needs; nothing is started.

    Args:
        events: EventBridge.
        environment: Name of the deployment.
        functions: Names of the functions that are to decide again.
        begin: From when on.
        end: Until when.
        now: Names the replay.
        archive: Name of the archive; by default the one of the deployment.

    Raises:
        SettingsError: None of the functions has a rule on the bus of the archive. Without rules EventBridge
            would send the events to every rule, also to those of others.
        OperationError: EventBridge refuses, or there is no such archive.
    """
    found = events.call("describe_archive", ArchiveName=archive or archive_name(prefix_of(environment)))
    bus = str(found["EventSourceArn"])
    rules = _rules(events, bus, prefix_of(environment))
    wanted = {name: rules.get(physical_name(environment, name)) for name in sorted(functions)}
    known = {name: rule for name, rule in wanted.items() if rule is not None}
    if not known:
        raise SettingsError(
            "no function that was asked for has a rule on the bus of the archive",
            hint="Check the environment and the names; functions behind streams have no rule.",
        )
    return Replay(
        name=replay_name(prefix_of(environment), now),
        archive=str(found["ArchiveArn"]),
        bus=bus,
        rules=known,
        skipped=tuple(name for name in wanted if name not in known),
        begin=begin,
        end=end,
    )


def start_replay(events: AwsCalls, replay: Replay) -> str:
    """Start a replay.

    Returns:
        Its state, in the words of EventBridge.

    Raises:
        OperationError: EventBridge refuses.
    """
    started = events.call(
        "start_replay",
        ReplayName=replay.name,
        Description="Functions decide again, and send nothing that is late",
        EventSourceArn=replay.archive,
        EventStartTime=replay.begin,
        EventEndTime=replay.end,
        Destination={"Arn": replay.bus, "FilterArns": list(replay.rules.values())},
    )
    return str(started.get("State", "STARTING")).lower()


def _rules(events: AwsCalls, bus: str, prefix: str) -> dict[str, str]:
    """Return the ARN of each rule of the deployment, by its name."""
    found: dict[str, str] = {}
    page: dict[str, str] = {"EventBusName": bus.rpartition("/")[2], "NamePrefix": f"{prefix}-"}
    while True:
        answer = events.call("list_rules", **page)
        found.update({rule["Name"]: rule["Arn"] for rule in answer["Rules"]})
        if not answer.get("NextToken"):
            return found
        page["NextToken"] = answer["NextToken"]
