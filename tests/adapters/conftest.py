"""A local AWS for adapters, and tables in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings, make_client
from functions.profiles.dynamodb_table import create_table
from functions.testing.local_aws import LocalAws
from tests.adapters.disturbance import DisturbedClient, Ticking

ENVIRONMENT = Path(__file__).parents[2] / ".venv-aws"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
READY_WITHIN_S = 60.0

# An account of the local server, not a secret; every process that talks to it needs them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """Start a local AWS and end it with the session."""
    if not ENVIRONMENT.exists():
        pytest.skip("there is no .venv-aws; `make .venv-aws/ready` creates it")
    with LocalAws(ENVIRONMENT / "bin" / "python") as aws:
        yield aws


@pytest.fixture(scope="session")
def aws_endpoint(local_aws: LocalAws) -> str:
    """Return the endpoint of all services."""
    return local_aws.url


@pytest.fixture(scope="session")
def aws_environment(local_aws: LocalAws) -> dict[str, str]:
    """Return what a process needs to talk to the server: PATH, region, credentials and endpoint."""
    return local_aws.environment


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


@pytest.fixture
def client(dynamodb: Any) -> DisturbedClient:
    return DisturbedClient(dynamodb)


@pytest.fixture
def table(new_table: Callable[[], str]) -> str:
    return new_table()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def store(client: DisturbedClient, table: str, clock: Ticking) -> DynamoProfileStore:
    around = Surroundings(1.0, clock.monotonic, clock.sleep, lambda: 1.0)
    return DynamoProfileStore(table, client=client, around=around)


@pytest.fixture
def other(table: str, dynamodb: Any) -> DynamoProfileStore:
    """The store of another process."""
    return DynamoProfileStore(table, client=dynamodb)
