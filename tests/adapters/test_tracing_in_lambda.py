"""Traces as the SDK of AWS X-Ray sends them: where the time went and that something failed, and no text."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from functions.endpoint.server import EndpointServer
from tests.adapters.test_lambda_runtime import CUSTOMER, ROOT, Surroundings, recorded, surroundings_in

pytestmark = pytest.mark.e2e

NOBODY = "http://127.0.0.1:9"


class Daemon:
    """Stands for X-Ray's daemon: each datagram is a line that names the format, and a segment."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self.address = "{}:{}".format(*bound.getsockname())

    def segments(self) -> list[dict[str, Any]]:
        """Take what was sent; the sender has ended."""
        taken: list[dict[str, Any]] = []
        self._socket.settimeout(0.2)
        while True:
            try:
                datagram = self._socket.recv(65_535)
            except TimeoutError:
                return taken
            header, _, segment = datagram.partition(b"\n")
            assert json.loads(header) == {"format": "json", "version": 1}
            taken.append(json.loads(segment))


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 0))
        yield Daemon(bound)


def traced(surroundings: Surroundings, daemon: Daemon, **environment: str) -> list[dict[str, Any]]:
    with surroundings.function(
        "eventbridge",
        FUNCTIONS_TRACING="on",
        AWS_XRAY_DAEMON_ADDRESS=daemon.address,
        LAMBDA_TASK_ROOT=str(surroundings.folder),
        **environment,
    ) as function:
        function.invoke(recorded("cancellation-page"))
    return daemon.segments()


def test_a_decision_is_a_part_of_the_trace(tmp_path: Path, daemon: Daemon) -> None:
    with EndpointServer(ROOT / "models", keep_requests=0) as server:
        segments = traced(surroundings_in(tmp_path, server.url, "file"), daemon)
    assert [segment["name"] for segment in segments] == ["## decide"]
    [segment] = segments
    assert segment["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert segment["start_time"] <= segment["end_time"]
    assert not segment.get("fault")
    assert CUSTOMER not in json.dumps(segments)


def test_a_failure_is_told_without_a_word_of_it(tmp_path: Path, daemon: Daemon) -> None:
    surroundings = surroundings_in(tmp_path, NOBODY, "file")
    (tmp_path / "profiles.db").unlink()
    (tmp_path / "profiles.db").mkdir()
    segments = traced(surroundings, daemon)
    assert [segment["fault"] for segment in segments] == [True]
    assert "exceptions" not in json.dumps(segments)
    assert str(tmp_path) not in json.dumps(segments)
