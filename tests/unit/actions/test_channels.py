"""The memory and file channels, and the opening of channels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from functions.actions.channel import ActionMessage
from functions.actions.file import FileChannel
from functions.actions.memory import Delivery, MemoryChannel
from functions.actions.message import MAX_MESSAGE_BYTES, encode_message
from functions.actions.opening import open_channel
from functions.actions.webhook import WebhookChannel
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
    SettingsError,
)
from functions.spec.plan import ChannelPlan
from functions.testing.channels import (
    NOW,
    ChannelConformance,
    ChannelStage,
    TakenMessage,
    sample_message,
)


def no_secret(name: str) -> str:
    raise SettingsError(f"there is no secret {name}")


def file_channel(path: Path) -> FileChannel:
    return FileChannel(ChannelPlan("log", "file", {"path": str(path)}))


def lines_of(path: Path) -> list[TakenMessage]:
    if not path.exists():
        return []
    documents = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    return [
        TakenMessage(one["idempotency_key"], one["action"], one["profile_id"], one["payload"])
        for one in documents
    ]


class TestMemoryChannel(ChannelConformance):
    @pytest.fixture
    def stage(self) -> ChannelStage:
        channel = MemoryChannel()
        return ChannelStage(channel, lambda: [taken(one.message) for one in channel.deliveries])


class TestFileChannel(ChannelConformance):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> ChannelStage:
        path = tmp_path / "new" / "folder" / "actions.jsonl"
        return ChannelStage(file_channel(path), lambda: lines_of(path))


def taken(message: ActionMessage) -> TakenMessage:
    return TakenMessage(message.idempotency_key, message.action, message.profile_id, message.payload)


def test_memory_channel_fails_as_asked_before_or_after_taking() -> None:
    channel = MemoryChannel()
    channel.fail(ActionThrottledError("busy"))
    channel.fail(ActionAmbiguousError("lost"), taken=True)
    with pytest.raises(ActionThrottledError):
        channel.send(sample_message(), now=NOW)
    assert channel.deliveries == []
    with pytest.raises(ActionAmbiguousError):
        channel.send(sample_message(), now=NOW)
    channel.send(sample_message(), now=NOW)
    assert channel.deliveries == [Delivery(sample_message(), NOW)] * 2


def test_file_line_holds_everything_once_and_canonically(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    file_channel(path).send(sample_message(), now=NOW + timedelta(seconds=2))
    assert path.read_text() == (
        '{"action":"retention-offer-20","decided_at":"2026-11-02T09:00:00.000Z","event_id":"event-1",'
        '"expires_at":"2026-11-03T09:00:00.000Z","function":"churn-retention","idempotency_key":"decision-1",'
        '"payload":{"percent":20,"template":"retention"},"profile_id":"customer-1",'
        '"sent_at":"2026-11-02T09:00:02.000Z"}\n'
    )


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    file_channel(path).send(sample_message(), now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600


def test_line_cut_short_by_a_crash_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    path.write_bytes(b'{"action":"half')
    file_channel(path).send(sample_message(), now=NOW)
    first, second, rest = path.read_bytes().split(b"\n")
    assert (first, rest) == (b'{"action":"half', b"")
    assert json.loads(second)["idempotency_key"] == "decision-1"


def test_processes_that_share_a_file_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    code = (
        "import sys\nfrom functions.actions.file import FileChannel\n"
        "from functions.spec.plan import ChannelPlan\n"
        "from functions.testing.channels import NOW, sample_message\n"
        "channel = FileChannel(ChannelPlan('log', 'file', {'path': sys.argv[1]}))\n"
        "for number in range(20):\n"
        "    channel.send(sample_message(f'{sys.argv[2]}-{number}', payload='x' * 9000), now=NOW)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    keys = [one.idempotency_key for one in lines_of(path)]
    assert sorted(keys) == sorted(f"{name}-{number}" for name in "abc" for number in range(20))


def test_path_that_is_a_folder_is_denied(tmp_path: Path) -> None:
    with pytest.raises(ActionDeniedError, match="EISDIR"):
        file_channel(tmp_path).send(sample_message(), now=NOW)


def test_path_below_a_file_is_denied(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ActionDeniedError):
        file_channel(tmp_path / "file" / "actions.jsonl").send(sample_message(), now=NOW)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_disk_without_room_is_unavailable_and_nothing_is_written() -> None:
    with pytest.raises(ActionUnavailableError, match="ENOSPC"):
        file_channel(Path("/dev/full")).send(sample_message(), now=NOW)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everything")
def test_file_that_may_not_be_written_is_denied(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    path.touch(0o400)
    with pytest.raises(ActionDeniedError, match="EACCES"):
        file_channel(path).send(sample_message(), now=NOW)


@pytest.mark.parametrize("options", [{}, {"path": ""}, {"path": 1}, {"path": "a\0b"}])
def test_file_channel_needs_a_path(options: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="channel log"):
        FileChannel(ChannelPlan("log", "file", options))


def test_message_over_its_size_is_refused() -> None:
    with pytest.raises(ActionRejectedError, match="bytes"):
        encode_message({"payload": "x" * MAX_MESSAGE_BYTES})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}])
def test_message_that_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(ActionRejectedError):
        encode_message({"payload": value})


def test_each_kind_opens_its_channel(tmp_path: Path) -> None:
    def secret(name: str) -> str:
        return "a-secret-of-24-letters-or-more"

    plans = {
        MemoryChannel: ChannelPlan("one", "memory", {}),
        FileChannel: ChannelPlan("two", "file", {"path": str(tmp_path / "x")}),
        WebhookChannel: ChannelPlan("three", "webhook", {"url": "https://example.com/", "secret": "KEY"}),
    }
    assert {kind: type(open_channel(plan, secrets=secret)) for kind, plan in plans.items()} == {
        kind: kind for kind in plans
    }


def test_channel_of_your_own_is_named_by_its_path() -> None:
    plan = ChannelPlan("own", "functions.actions.memory:MemoryChannel", {})
    assert isinstance(open_channel(plan, secrets=no_secret), MemoryChannel)


def test_unknown_kind_is_named_with_the_closest_one() -> None:
    with pytest.raises(SettingsError, match="channel own") as caught:
        open_channel(ChannelPlan("own", "webhok", {}), secrets=no_secret)
    assert caught.value.hint == "Did you mean webhook?"


def test_every_error_of_a_channel_is_an_action_error() -> None:
    assert all(issubclass(error, ActionError) for error in (ActionDeniedError, ActionAmbiguousError))
