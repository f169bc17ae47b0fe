"""A local AWS for adapters, and tables in it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest

from functions.profiles.dynamodb_calls import make_client
from functions.profiles.dynamodb_table import create_table

ENVIRONMENT = Path(__file__).parents[2] / ".venv-aws"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
READY_WITHIN_S = 60.0

# An account of the local server, not a secret; every process that talks to it needs them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a ministack server on a free loopback port and end it with the session."""
    if not ENVIRONMENT.exists():
        pytest.skip("there is no .venv-aws; `make .venv-aws/ready` creates it")
    folder = tmp_path_factory.mktemp("aws")
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
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [ENVIRONMENT / "bin" / "python", "-m", "ministack"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(server, port, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def aws_environment(aws_endpoint: str) -> dict[str, str]:
    """Return what a process needs to talk to the server: PATH, region, credentials and endpoint."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        **CREDENTIALS,
    }


@pytest.fixture(scope="session")
def dynamodb(aws_endpoint: str) -> Any:
    """Return the low-level client that the store would make itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        client = make_client(REGION, aws_endpoint, 30_000)
        client.list_tables()  # the credentials are read at the first call
    return client


@pytest.fixture
def new_table(dynamodb: Any) -> Callable[[], str]:
    """Return a factory of empty tables with names of their own."""

    def create() -> str:
        name = f"profiles-{uuid4().hex}"
        create_table(dynamodb, name)
        return name

    return create


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            # Ends at once while nobody listens; waits for the child, not for the clock.
            _pause(server)
    pytest.fail(f"ministack did not start: {log.read_text()[-2_000:]}")


def _pause(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return
