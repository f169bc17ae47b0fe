"""How much faster a budget is spent when it is split over shards.

    make .venv-aws/ready
    python benchmarks/budget_shards.py [--seconds 4] [--workers 12] [--hold-ms 15]

Workers commit paid decisions through the DynamoDB store to a local server. The server works one request
after the other and never reports a conflict, so what DynamoDB does is added here: a transaction holds its
items for a while, and another one that needs any of them is cancelled with TransactionConflict. A cancelled
worker pauses and sends the same request again, as the runtime does. Figures are ratios to one shard.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import make_client
from functions.profiles.dynamodb_table import create_table
from functions.profiles.store import CommitRequest
from functions.testing.local_aws import LocalAws
from functions.testing.store_checks.samples import a_decision, new_id, paid_from

ENVIRONMENT = Path(__file__).parents[1] / ".venv-aws"
SHARDS = (1, 2, 4, 8, 16)
PAUSE_S = 0.02


class HoldingClient:
    """Lets transactions hold their items, and cancels those that come meanwhile."""

    def __init__(self, client: Any, hold_s: float) -> None:
        self._client = client
        self._hold_s = hold_s
        self._held: set[tuple[str, str]] = set()
        self._lock = Lock()

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def transact_write_items(self, **request: Any) -> Any:
        """Hold the items of a transaction, carry it out, and let them go."""
        from botocore.exceptions import ClientError

        keys = [_key(operation) for operation in request["TransactItems"]]
        with self._lock:
            conflicts = [key in self._held for key in keys]
            if not any(conflicts):
                self._held.update(keys)
        if any(conflicts):
            reasons = [{"Code": "TransactionConflict" if held else "None"} for held in conflicts]
            response: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": reasons,
            }
            raise ClientError(response, "TransactWriteItems")
        try:
            time.sleep(self._hold_s)
            return self._client.transact_write_items(**request)
        finally:
            with self._lock:
                self._held.difference_update(keys)


def _key(operation: dict[str, Any]) -> tuple[str, str]:
    (parameters,) = operation.values()
    key = parameters.get("Item") or parameters["Key"]
    return key["pk"]["S"], key["sk"]["S"]


def spend(store: DynamoProfileStore, budget: str, shards: int, until: float) -> Counter[str]:
    answers: Counter[str] = Counter()
    while time.monotonic() < until:
        request = CommitRequest(a_decision(new_id("profile")))
        paid = paid_from(request, budget, 3, shard=random.randrange(shards))
        while True:
            status = store.commit(paid).status
            answers[status] += 1
            if status != "conflict":
                break
            time.sleep(PAUSE_S * random.random())
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--hold-ms", type=float, default=15.0)
    arguments = parser.parse_args()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "000000000000")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    with LocalAws(ENVIRONMENT / "bin" / "python") as aws:
        client = make_client(aws.region, aws.url, 30_000)
        create_table(client, "profiles")
        store = DynamoProfileStore("profiles", client=HoldingClient(client, arguments.hold_ms / 1_000))
        first = 0.0
        print("shards  commits/s  ratio to one  conflicts per commit")
        for shards in SHARDS:
            budget = new_id("budget")
            store.open_budget(budget, "2026-11-02", [10**9] * shards)
            until = time.monotonic() + arguments.seconds
            with ThreadPoolExecutor(arguments.workers) as pool:
                jobs = [pool.submit(spend, store, budget, shards, until) for _ in range(arguments.workers)]
                answers = sum((job.result() for job in jobs), Counter[str]())
            rate = answers["committed"] / arguments.seconds
            first = first or rate
            conflicts = answers["conflict"] / answers["committed"]
            print(f"{shards:6}  {rate:9.0f}  {rate / first:12.1f}  {conflicts:20.2f}")
            spent = 10**9 * shards - sum(store.budget_left(budget, "2026-11-02"))
            assert spent == 3 * answers["committed"]


if __name__ == "__main__":
    main()
