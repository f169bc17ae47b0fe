"""The lasting log: decisions and nothing else of the table, each once, however often they are delivered."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from functions.actions.memory import MemoryChannel
from functions.errors import OperationUnavailableError, UnhandledRecordError
from functions.handlers.exporting import Exporter, export_handler
from functions.handlers.parking import Parking
from functions.handlers.telemetry import Telemetry
from functions.learning.trials import Trial, trial_record
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.operations.exporting import LogObject, decision_document
from functions.profiles.dynamodb_feedback import feedback_item
from functions.profiles.dynamodb_items import decision_item
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.store import DecisionRecord
from functions.testing.handler_stage import StageContext, StageQueue
from functions.testing.lambda_events import TABLE_ARN, batch
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer

DAY = timedelta(days=1)
SECRET = "s3cr3t"


@dataclass
class Log:
    """A log in memory; refuses what comes after so many objects."""

    objects: dict[str, bytes] = field(default_factory=dict)
    room: int = 1_000

    def put(self, log_object: LogObject) -> None:
        if not self.room:
            raise OperationUnavailableError("down")
        self.room -= 1
        self.objects[log_object.name] = log_object.body

    @property
    def lines(self) -> list[dict[str, Any]]:
        found = (gzip.decompress(body).decode().splitlines() for body in self.objects.values())
        return [json.loads(line) for lines in found for line in lines]


class Stage:
    """An export with its log and its dead-letter queue."""

    def __init__(self) -> None:
        self.log, self.queue = Log(), StageQueue()
        parking = Parking("_export", self.queue)
        self.handle = export_handler(Exporter(self.log, (), parking, Telemetry("stage", namespace="Tests")))

    def deliver(self, *records: Any) -> None:
        assert self.handle(batch(*records), StageContext()) == {"batchItemFailures": []}

    @property
    def exported(self) -> list[str]:
        return sorted(line["event"]["id"] for line in self.log.lines)


def decided(number: int, *, name: str = "churn", after: timedelta = timedelta(0)) -> DecisionRecord:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store, {"last_order_at": None, "orders": 5, "street": SECRET})
    event = an_event(f"e{number}", time=NOW + after, properties={"secret": SECRET})
    world.runtime.handle(a_plan(name=name), event, now=NOW + after)
    (record,) = world.store.decisions(CUSTOMER)
    assert isinstance(world.channel, MemoryChannel)
    return record


def change(record: DecisionRecord, number: int, **fields: Any) -> dict[str, Any]:
    item = decision_item(record, "token")
    return {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": TABLE_ARN,
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": f"{number:021d}",
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": item,
        },
        **fields,
    }


def other(sort: str, number: int) -> dict[str, Any]:
    keys = {"pk": {"S": CUSTOMER}, "sk": {"S": sort}}
    return {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": TABLE_ARN,
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": str(number), "Keys": keys, "NewImage": {**keys, "x": {"S": SECRET}}},
    }


def test_decisions_leave_by_function_and_day_as_they_are_kept() -> None:
    stage = Stage()
    records = [decided(0), decided(1, name="other"), decided(2, after=DAY), decided(3)]
    stage.deliver(*(change(record, number) for number, record in enumerate(records)))

    assert [name.rpartition("/")[0] for name in stage.log.objects] == [
        "decisions/function=churn/date=2026-11-02",
        "decisions/function=other/date=2026-11-02",
        "decisions/function=churn/date=2026-11-03",
    ]
    assert stage.exported == ["e0", "e1", "e2", "e3"]
    line = next(line for line in stage.log.lines if line["event"]["id"] == "e0")
    assert line == decision_document(records[0])
    assert line["decided_at"] == "2026-11-02T09:15:00.000Z"
    # What a spec may read and what it computed; of the rest of profile and event nothing.
    assert line["features"] == {"recency_days": 365, "orders": 5}
    assert "payload" not in line
    assert SECRET not in str(stage.log.lines)


@pytest.mark.parametrize(
    "sort", ["PROFILE", "CONSENT", "STATE", "OUTBOX#1", "ALIAS", "ALIAS#a", "DECISION#1"]
)
def test_nothing_else_of_the_table_leaves(sort: str) -> None:
    """Nor what calls itself a decision in the partition of a customer, where others write."""
    stage = Stage()
    stage.deliver(other(sort, 1), change(decided(0), 2), other(sort, 3))

    assert stage.exported == ["e0"]
    assert SECRET not in str(stage.log.lines)
    assert stage.queue.sent == []


def test_what_came_of_a_decision_leaves_each_time_it_is_known_better() -> None:
    stage, record = Stage(), decided(0)
    trial = trial_record(
        Trial(CUSTOMER, record.id, "churn", "offer-20", "random", "other", NOW, NOW + 7 * DAY), due_at=None
    )

    def changed(trial: FeedbackRecord, number: int, name: str) -> dict[str, Any]:
        image = feedback_item(trial)
        keys = {"pk": image["pk"], "sk": image["sk"]}
        stream = {"SequenceNumber": f"{number:021d}", "Keys": keys, "NewImage": image}
        return {**other("TRIAL#1", number), "eventName": name, "dynamodb": stream}

    answered = replace(trial, version=1, body={**trial.body, "outcomes": {"converted": {"amount": 42.0}}})
    stage.deliver(changed(trial, 1, "INSERT"), change(record, 2), changed(answered, 3, "MODIFY"))
    stage.deliver(changed(answered, 4, "REMOVE"))
    assert [name.rpartition("/")[0] for name in stage.log.objects] == [
        "outcomes/function=churn/date=2026-11-02",
        "decisions/function=churn/date=2026-11-02",
    ]
    first, second = (line for line in stage.log.lines if "trial" in line)
    assert (first["decision_id"], first["version"], first["trial"]["outcomes"]) == (record.id, 1, {})
    assert (second["version"], second["trial"]["outcomes"]["converted"]["amount"]) == (2, 42.0)


@pytest.mark.parametrize("name", ["REMOVE", "MODIFY"])
def test_decision_that_is_forgotten_by_the_table_is_not_exported_again(name: str) -> None:
    stage = Stage()
    stage.deliver(change(decided(0), 1, eventName=name))

    assert stage.log.objects == {}


def test_batch_that_is_delivered_again_overwrites_itself_byte_by_byte() -> None:
    stage = Stage()
    records = [change(decided(number), number) for number in range(5)]
    stage.deliver(*records)
    before = dict(stage.log.objects)
    stage.deliver(*records)

    assert stage.log.objects == before


@pytest.mark.parametrize("cut", range(1, 5))
def test_batch_that_is_delivered_again_in_other_pieces_loses_and_doubles_nothing(cut: int) -> None:
    stage = Stage()
    records = [change(decided(number, name=f"f-{number % 2}"), number) for number in range(5)]
    stage.deliver(*records)
    stage.deliver(*records[:cut])
    stage.deliver(*records[cut:])

    assert stage.exported == [f"e{number}" for number in range(5)]


@pytest.mark.parametrize("cut", range(1, 5))
def test_batch_that_has_grown_when_it_is_delivered_again_doubles_nothing(cut: int) -> None:
    """Lambda lost its place, and more had come by then."""
    stage = Stage()
    records = [change(decided(number, name=f"f-{number % 2}"), number) for number in range(5)]
    stage.deliver(*records[:cut])
    stage.deliver(*records)

    assert stage.exported == [f"e{number}" for number in range(5)]


def test_batch_that_could_not_be_written_whole_fails_and_is_whole_the_next_time() -> None:
    stage = Stage()
    records = [change(decided(number, name=f"f-{number}"), number) for number in range(3)]
    stage.log.room = 1
    with pytest.raises(UnhandledRecordError, match=r"not exported: operation\.unavailable"):
        stage.deliver(*records)
    stage.log.room = 10
    stage.deliver(*records)

    assert stage.exported == ["e0", "e1", "e2"]


def test_decision_that_can_not_be_read_is_parked_alone() -> None:
    stage = Stage()
    poison = change(decided(1), 1)
    del poison["dynamodb"]["NewImage"]["body"]
    without_image = change(decided(2), 2)
    del without_image["dynamodb"]["NewImage"]
    foreign = change(decided(3), 3, eventSourceARN=TABLE_ARN.replace("123456789012", "999999999999"))
    stage.deliver(change(decided(0), 0), poison, without_image, foreign, change(decided(4), 4))

    assert stage.exported == ["e0", "e4"]
    assert [attributes["code"] for _, attributes in stage.queue.sent] == [
        "store.rejected",
        "store.rejected",
        "event.foreign_account",
    ]


def test_position_that_is_no_name_is_hashed() -> None:
    stage = Stage()
    stage.deliver(change(decided(0), 0, eventID="../../other"))

    (name,) = stage.log.objects
    assert name.startswith("decisions/function=churn/date=2026-11-02/")
    assert ".." not in name


def test_figures_and_log_say_how_many_and_nothing_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()
    stage.deliver(change(decided(0), 0), change(decided(1), 1))

    out = capsys.readouterr().out
    (line,) = [json.loads(line) for line in out.splitlines()]
    assert line["Exported"] == [2]
    assert CUSTOMER not in out


def test_error_that_nobody_foresaw_fails_the_batch_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken:
        def put(self, log_object: LogObject) -> None:
            raise ZeroDivisionError(SECRET)

    telemetry = Telemetry("stage-of-an-error", namespace="Tests")
    handle = export_handler(Exporter(Broken(), (), Parking("_export", None), telemetry))
    with pytest.raises(UnhandledRecordError, match="not exported: internal"):
        handle(batch(change(decided(0), 0)), StageContext())
    assert SECRET not in capsys.readouterr().out
