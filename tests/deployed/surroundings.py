"""What is around a deployment on this machine: models that can be killed, and a receiver of offers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from functions.testing.loopback import Answer, LoopbackReceiver, Received
from tests.deployed.staging import ROOT


class Models:
    """The models of this repository behind one address, in a process that can be killed and begun again."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.begin()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        command = [sys.executable, "-m", "functions", "endpoint", "--port", str(self._port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline()
        self._port = int(address.rpartition(":")[2])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


class Crm:
    """Receives offers. About the events that it is told to it refuses them, or says nothing."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.unanswered: set[str] = set()
        self.receiver = LoopbackReceiver(self._answer)

    def deliveries(self, event_id: str) -> list[Received]:
        """Return everything that arrived about an event."""
        return [one for one in list(self.receiver.received) if self.message(one)["event_id"] == event_id]

    def message(self, received: Received) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(received.body)["data"]
        return message

    def _answer(self, received: Received) -> Answer:
        event_id = self.message(received)["event_id"]
        return Answer(status=503 if event_id in self.refused else 200, silent=event_id in self.unanswered)
