"""An AWS on this machine: a ministack server on a free loopback port, for the length of a `with` block.

    with LocalAws(Path(".venv-aws/bin/python")) as aws:
        store = open_store(f"dynamodb:profiles?endpoint_url={aws.url}&region={aws.region}")

It needs an environment of its own, since it pins another version of the AWS SDK.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

ACCOUNT: Final = "000000000000"
REGION: Final = "eu-central-1"

READY_WITHIN_S: Final = 60.0
_LOG: Final = "server.log"
_PROCESSES: Final = Path("/proc")


class LocalAws:
    """A local AWS.

    Args:
        python: Of the environment that ministack is installed in.
        variables: Further settings of the server, such as `AUTH=true`, which enforces IAM.

    Attributes:
        url: Endpoint of all its services.
        account: Its account, which is also the access key.
        region: Its region.
    """

    account: Final = ACCOUNT
    region: Final = REGION

    def __init__(self, python: Path, variables: Mapping[str, str] | None = None) -> None:
        # The server has a folder of its own; a link to a Python stays one, or it would leave its environment.
        self._python = python.absolute()
        self._variables = variables or {}
        self._stack = ExitStack()
        self._folder = Path()
        self.url = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to talk to it: PATH, region, credentials and endpoint."""
        return {
            "PATH": os.environ["PATH"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            # An account of the local server, not a secret.
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    @property
    def session_options(self) -> dict[str, str]:
        """Options of a boto3 session with its credentials."""
        environment = self.environment
        return {
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
            "region_name": REGION,
        }

    @property
    def log(self) -> str:
        """Everything that the server has written so far."""
        return (self._folder / _LOG).read_text(errors="replace")

    def kill(self, function: str) -> list[int]:
        """Kill every process that runs a Lambda function, as a crash would.

        Args:
            function: Its physical name.

        Returns:
            The ids of the processes. They are known on Linux only; elsewhere there are none.
        """
        return _kill(f"{self._folder}/ministack-lambda-{function}-")

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        # Functions are unpacked there, by which their processes are known.
        self._folder = folder
        self._stack.callback(_kill, str(folder))
        port = _free_port()
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "ERROR",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(folder),
            **self._variables,
        }
        with (folder / _LOG).open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 - the Python that the caller names
                [self._python, "-m", "ministack"],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
                stdout=log,
                stderr=log,
            )
        self._stack.callback(_end, server)
        self.url = f"http://127.0.0.1:{port}"
        if not _is_ready(server, self.url):
            text = (folder / _LOG).read_text()[-2_000:]
            self._stack.close()
            raise RuntimeError(f"the local AWS did not start: {text}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_ready(server: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + READY_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/_ministack/health", timeout=1) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return True
        except (URLError, OSError):
            # Ends at once while nobody listens; waits for the child, not for the clock.
            _pause(server)
    return False


def _pause(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        # It waits for connections that its callers keep open, and has nothing to save.
        server.wait(timeout=3)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _kill(beginning: str) -> list[int]:
    """Kill the processes with a word in their command line that begins like this."""
    ids = sorted(_processes(beginning))
    for one in ids:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return ids


def _processes(beginning: str) -> Iterator[int]:
    for folder in _PROCESSES.iterdir() if _PROCESSES.is_dir() else ():
        if not folder.name.isdigit():
            continue
        # Whatever has ended meanwhile has no command line any more.
        with suppress(OSError):
            words = (folder / "cmdline").read_text(errors="replace").split("\0")
            if any(word.startswith(beginning) for word in words):
                yield int(folder.name)
