"""How long a Lambda handler takes to begin, cold to answer, and warm to answer, under AWS's runtime client.

    python benchmarks/handlers.py [--starts 5] [--warm 200]

Every handler runs as it does in Lambda: `awslambdaric`, an artefact of `functions build`, SQLite as the
store, the embedded endpoint as SageMaker, a file as the channel. Times are wall time on this machine, in
milliseconds: `init` from the start of the process until it asks for its first event, `cold` the first
decision, `warm` the median and the 95th percentile of the others. `empty` does nothing, and shows what the
runtime client itself takes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.build.folder import build_folder
from functions.endpoint.server import EndpointServer
from functions.governance.consent import ConsentRecord
from functions.handlers.visitor import mint_visitor_token
from functions.profiles.opening import open_store
from functions.testing.lambda_events import (
    batch,
    dynamodb_record,
    eventbridge_event,
    http_request,
    kinesis_record,
    sqs_record,
)
from functions.testing.lambda_runtime import LambdaRuntime

ROOT = Path(__file__).parents[1]
KEY = "a-key-of-twenty-four-bytes-at-least"
FUNCTION = "churn-retention"

Make = Callable[[str], Any]


CUSTOMERS = 100
"""So many share the events: the contact log of one customer would soon be full."""


def event(event_id: str, customer: int = 0) -> dict[str, Any]:
    sample = json.loads((ROOT / "events" / "cancellation-page.json").read_text())["detail"]
    now = datetime.now(UTC).isoformat()
    return {**sample, "id": event_id, "time": now, "user_id": f"customer-{customer}"}


def page(event_id: str) -> Any:
    token = mint_visitor_token(
        "customer-0", key=KEY.encode(), expires_at=datetime.now(UTC) + timedelta(hours=1)
    )
    return http_request(event(event_id), headers={"authorization": f"Bearer {token}"})


KINDS: Mapping[str, Make] = {
    "empty": lambda _: {},
    "eventbridge": lambda event_id: eventbridge_event(event(event_id)),
    "sqs": lambda event_id: batch(sqs_record(event(event_id))),
    "sqs x100": lambda event_id: batch(
        *(sqs_record(event(f"{event_id}-{number}", number), str(number)) for number in range(CUSTOMERS))
    ),
    "kinesis": lambda event_id: batch(
        kinesis_record(base64.b64encode(json.dumps(event(event_id)).encode()).decode())
    ),
    "dynamodb": lambda event_id: batch(dynamodb_record(event_id)),
    "url": page,
    "schedule": lambda _: {},
}


def prepare(folder: Path, endpoint: str) -> dict[str, str]:
    (folder / "empty_handler.py").write_text("def handler(event, context):\n    return None\n")
    build_folder(ROOT / "feature_specs", folder / "plans")
    store_url = f"sqlite:///{folder}/profiles.db"
    lines = (ROOT / "feature_specs" / "profiles.jsonl").read_text().splitlines()
    profile = next(record["profile"] for record in map(json.loads, lines) if record["id"] == "customer-0042")
    now = datetime.now(UTC)
    consent = ConsentRecord("marketing", "granted", now - timedelta(days=1))
    with closing(open_store(store_url)) as store:
        for number in range(CUSTOMERS):
            store.put_profile(f"customer-{number}", profile, updated_at=now)
            store.put_consent(f"customer-{number}", consent, now=now)
    return {
        "FUNCTIONS_NAME": FUNCTION,
        "FUNCTIONS_PLANS": str(folder / "plans"),
        "FUNCTIONS_STORE": store_url,
        "FUNCTIONS_VISITOR_KEY": KEY,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint,
    }


def measure(
    kind: str, environment: Mapping[str, str], folder: Path, *, starts: int, warm: int
) -> tuple[float, float, list[float], str]:
    name = kind.partition(" ")[0]
    handler = "empty_handler.handler" if name == "empty" else f"functions.handlers.{name}.handler"
    inits: list[float] = []
    colds: list[float] = []
    warms: list[float] = []
    outcomes = ""
    for start in range(starts):
        with LambdaRuntime(handler, environment, python_path=str(folder), cwd=folder) as function:
            inits.append(function.init_ms)
            run = os.urandom(4).hex()
            for number in range(1 + (warm if start == 0 else 3)):
                reply = function.invoke(KINDS[kind](f"{run}-{number}"))
                if reply.error is not None:
                    raise SystemExit(f"{kind}: {reply.error}")
                (warms if number else colds).append(reply.elapsed_ms)
            found = {one["receipt"]["outcome"] for one in function.log_documents if "receipt" in one}
            outcomes = ", ".join(sorted(found))
    return statistics.median(inits), statistics.median(colds), warms, outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--starts", type=int, default=5, help="processes of each kind")
    parser.add_argument("--warm", type=int, default=200, help="warm invocations of the first process")
    arguments = parser.parse_args()
    print(f"{'handler':12} {'init':>8} {'cold':>8} {'warm p50':>9} {'p95':>8}  outcomes")
    for kind in KINDS:
        with (
            tempfile.TemporaryDirectory() as folder,
            EndpointServer(ROOT / "models", keep_requests=0) as endpoint,
        ):
            environment = prepare(Path(folder), endpoint.url)
            many = max(2, arguments.warm // 20) if "x" in kind else arguments.warm
            init, cold, warms, outcomes = measure(
                kind, environment, Path(folder), starts=arguments.starts, warm=many
            )
        p95 = statistics.quantiles(warms, n=20)[18]
        median = statistics.median(warms)
        print(f"{kind:12} {init:8.0f} {cold:8.1f} {median:9.2f} {p95:8.2f}  {outcomes}")


if __name__ == "__main__":
    main()
