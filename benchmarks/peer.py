"""The function churn-retention in Lambda, against a handler for the same job that was written by hand.

    make .venv-aws/ready
    python benchmarks/peer.py [--decisions 200] [--batches 4] [--starts 5] [--network-ms 2]

Both sides run under AWS's runtime client in processes of their own, get the same events as SQS records, and
talk to the same servers on this machine: DynamoDB and EventBridge of a local AWS, and the embedded endpoint
as SageMaker. They take turns in short slices, so that drift of the machine meets both. CPU is that of the
handler's process alone, user and system; what the servers cost is not counted. `decision` is one record a
batch, `batched` a hundred. In the row `network` every request of either side reaches its server some
milliseconds later, as in a data centre: who asks more often waits longer.

The handler by hand is `peer_handler.py`; it does less. With `aws-xray-sdk` installed it traces, as such
handlers usually do.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from benchmarks.delay import Delay
from functions.build.folder import build_folder
from functions.endpoint.server import EndpointServer
from functions.governance.consent import ConsentRecord
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import make_client
from functions.profiles.dynamodb_table import create_table
from functions.testing.lambda_events import batch, sqs_record
from functions.testing.lambda_runtime import LambdaRuntime
from functions.testing.local_aws import ACCOUNT, REGION, LocalAws
from infra.pruning import prune

ROOT = Path(__file__).parents[1]
FUNCTION = "churn-retention"
HANDLERS = {"by hand": "peer_handler.handler", "functions": "functions.handlers.sqs.handler"}
SLICE = 10
BATCH = 100
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Side:
    """What was measured of one side, in seconds, milliseconds and megabytes."""

    init_cpu_s: list[float] = field(default_factory=list)
    init_ms: list[float] = field(default_factory=list)
    decision_cpu_s: list[float] = field(default_factory=list)
    decision_ms: list[float] = field(default_factory=list)
    batched_cpu_s: list[float] = field(default_factory=list)
    rest_mb: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def record(number: int, run: str) -> dict[str, Any]:
    """Return one SQS record with an event of now."""
    sample = json.loads((ROOT / "events" / "cancellation-page.json").read_text())
    # Nobody gets a second event: caps and cooldowns would spare ours the act, and the other knows none.
    customer = f"customer-{number}"
    now = datetime.now(UTC).isoformat()
    detail = {**sample["detail"], "id": f"{run}-{number}", "time": now, "user_id": customer}
    made = sqs_record({}, str(number))
    return {**made, "body": json.dumps({**sample, "time": now, "detail": detail})}


def specs(folder: Path) -> Path:
    """Copy the sample specs, with a channel that a Lambda function can use."""
    target = folder / "specs"
    target.mkdir()
    for path in (ROOT / "feature_specs").glob("*.yaml"):
        text = path.read_text()
        if path.name == "actions.yaml":
            text = text.replace(
                "kind: file, path: .functions/offers.jsonl", "kind: eventbridge, bus: default"
            )
        if path.name == f"{FUNCTION}.yaml":
            text = text.replace("timeout: 800ms", "timeout: 5s")
        if path.name == "policy.yaml":
            # A budget that is used up would spare ours the act.
            text = text.replace("at_most: 2000 USD", "at_most: 2000000 USD")
        (target / path.name).write_text(text)
    return target


def fill(client: Any, customers: int) -> None:
    """Give both sides the same customers: ours by its own store, the other as maps, as one writes them."""
    lines = (ROOT / "feature_specs" / "profiles.jsonl").read_text().splitlines()
    profile = next(one["profile"] for one in map(json.loads, lines) if one["id"] == "customer-0042")
    now = datetime.now(UTC)
    create_table(client, "profiles")
    store = DynamoProfileStore("profiles", client=client)
    client.create_table(
        TableName="peer",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    import boto3

    table = boto3.resource("dynamodb", region_name=REGION, endpoint_url=client.meta.endpoint_url).Table(
        "peer"
    )
    as_map = json.loads(json.dumps(profile), parse_float=Decimal)
    consent = ConsentRecord("marketing", "granted", now - timedelta(days=1))
    for number in range(customers):
        customer = f"customer-{number}"
        store.put_profile(customer, profile, updated_at=now)
        store.put_consent(customer, consent, now=now)
        table.put_item(Item={"pk": customer, "profile": as_map, "consent": {"marketing": "granted"}})


def environment(folder: Path, aws: str, endpoint: str) -> dict[str, str]:
    """Return what both processes see."""
    return {
        "TABLE": "peer",
        "FUNCTIONS_NAME": FUNCTION,
        "FUNCTIONS_PLANS": str(folder / "plans"),
        "FUNCTIONS_STORE": "dynamodb:profiles",
        "FUNCTIONS_EVENT_SKEW": "1h",
        "AWS_ENDPOINT_URL": aws,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "LAMBDA_TASK_ROOT": str(folder),
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def measure_starts(
    sides: Mapping[str, Side], variables: Mapping[str, str], folder: Path, starts: int
) -> None:
    """Start each side several times, in turn."""
    for _ in range(starts):
        for name, side in sides.items():
            with runtime(name, variables, folder) as process:
                side.init_ms.append(process.init_ms)
                side.init_cpu_s.append(cpu_s(process.pid))
                side.rest_mb.append(memory_mb(process.pid))


def measure_warm(
    sides: Mapping[str, Side],
    variables: Mapping[str, str],
    folder: Path,
    *,
    decisions: int,
    batches: int,
    first: int = 0,
    asked: Callable[[], int] = lambda: 0,
) -> str:
    """Let both sides work in turn, from the customer `first` on; returns what became of the events of ours.

    Args:
        sides: Take what is measured.
        variables: Of the processes.
        folder: Where they run.
        decisions: Single events.
        batches: Batches of a hundred.
        first: Number of the first customer.
        asked: Says how many requests went out so far.
    """
    with ExitStack() as stack:
        processes = {name: stack.enter_context(runtime(name, variables, folder)) for name in sides}
        for number in range(decisions // SLICE + 1):
            for name, process in processes.items():
                before, asked_before = cpu_s(process.pid), asked()
                times = [
                    invoke(process, [record(first + number * SLICE + one, name)]) for one in range(SLICE)
                ]
                if number:  # the first slice is the warm-up
                    sides[name].decision_cpu_s.append((cpu_s(process.pid) - before) / SLICE)
                    sides[name].decision_ms.extend(times)
                    sides[name].requests.append((asked() - asked_before) / SLICE)
        for number in range(batches):
            for name, process in processes.items():
                before = cpu_s(process.pid)
                start = first + singles(decisions) + number * BATCH
                invoke(process, [record(start + one, name) for one in range(BATCH)])
                sides[name].batched_cpu_s.append((cpu_s(process.pid) - before) / BATCH)
        lines = processes["functions"].log_documents
    found = [one["receipt"]["outcome"] for one in lines if "receipt" in one]
    return ", ".join(f"{outcome} {found.count(outcome)}" for outcome in sorted(set(found)))


def singles(decisions: int) -> int:
    """Return how many single events there are with those of the warm-up."""
    return (decisions // SLICE + 1) * SLICE


def invoke(process: LambdaRuntime, records: Iterable[dict[str, Any]]) -> float:
    """Invoke with a batch; returns milliseconds."""
    reply = process.invoke(batch(*records), timeout_s=300.0)
    if reply.error is not None or reply.payload != {"batchItemFailures": []}:
        raise SystemExit(f"a batch failed: {reply.error or reply.payload}\n{process.log[-3000:]}")
    return reply.elapsed_ms


def runtime(name: str, variables: Mapping[str, str], folder: Path) -> LambdaRuntime:
    """Return the process of one side."""
    return LambdaRuntime(HANDLERS[name], variables, python_path=str(Path(__file__).parent), cwd=folder)


def bundles(folder: Path) -> tuple[float, float]:
    """Return the unzipped megabytes of what each side packs, bytecode left out.

    By hand a bundle holds the SDK as it comes. Ours holds of it the services that are called.
    """
    shared = {_name(line) for line in _locked("lambda")}
    hand = shared - {"httpx", "httpcore", "h11", "anyio", "certifi", "idna", "msgspec"}
    hand |= {"boto3", "s3transfer", "aws-xray-sdk", "wrapt"}
    target = folder / "bundle"
    for name in sorted(shared):
        _copy(name, target)
    prune(target)
    ours = _size(target.rglob("*")) + _size((ROOT / "functions").rglob("*.py"))
    return sum(_size(_files(name)) for name in hand) / 1e6, ours / 1e6


def _locked(group: str) -> Iterator[str]:
    for line in (ROOT / "requirements" / f"{group}.txt").read_text().splitlines():
        if "==" in line.partition(" ")[0]:
            yield line


def _name(line: str) -> str:
    return line.partition("==")[0]


def _files(name: str) -> Iterator[Path]:
    try:
        files = distribution(name).files or ()
    except PackageNotFoundError:
        return
    yield from (Path(str(one.locate())) for one in files if one.suffix != ".pyc")


def _copy(name: str, target: Path) -> None:
    for one in distribution(name).files or ():
        source, there = Path(str(one.locate())), target / one
        if one.suffix != ".pyc" and ".." not in one.parts and source.is_file():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, there)


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def report(sides: Mapping[str, Side], far: Mapping[str, Side], folder: Path) -> None:
    """Print both sides and the ratio beside what is aimed at; `far` is what was measured over a network."""
    hand, ours = sides["by hand"], sides["functions"]
    hand_mb, ours_mb = bundles(folder)
    rows = [
        ("init, CPU ms", mean(hand.init_cpu_s, 1e3), mean(ours.init_cpu_s, 1e3), "1/6"),
        ("init, wall ms", median(hand.init_ms), median(ours.init_ms), ""),
        ("decision, CPU ms", mean(hand.decision_cpu_s, 1e3), mean(ours.decision_cpu_s, 1e3), "1/8"),
        ("decision, wall p50 ms", median(hand.decision_ms), median(ours.decision_ms), ""),
        (
            "network, wall p50 ms",
            median(far["by hand"].decision_ms),
            median(far["functions"].decision_ms),
            "+4 ms",
        ),
        ("requests of a decision", mean(far["by hand"].requests, 1), mean(far["functions"].requests, 1), ""),
        ("batched record, CPU ms", mean(hand.batched_cpu_s, 1e3), mean(ours.batched_cpu_s, 1e3), "1/10"),
        ("memory at rest, MB", median(hand.rest_mb), median(ours.rest_mb), "1/2"),
        ("bundle unzipped, MB", hand_mb, ours_mb, "25 MB"),
    ]
    print(f"{'':24} {'by hand':>10} {'functions':>10} {'ratio':>7}  aim")
    for name, left, right, aim in rows:
        print(f"{name:24} {left:10.2f} {right:10.2f} {right / left:7.2f}  {aim}")


def mean(values: list[float], factor: float) -> float:
    """Return the mean, scaled."""
    return statistics.mean(values) * factor


def median(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--decisions", type=int, default=200, help="single decisions of each side")
    parser.add_argument("--batches", type=int, default=4, help="batches of 100 of each side")
    parser.add_argument("--starts", type=int, default=5, help="starts of each side")
    parser.add_argument("--network-ms", type=float, default=2.0, help="how much later requests arrive")
    arguments = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID=ACCOUNT, AWS_SECRET_ACCESS_KEY="local")
    sides = {name: Side() for name in HANDLERS}
    with (
        tempfile.TemporaryDirectory() as name,
        EndpointServer(ROOT / "models", keep_requests=0) as endpoint,
        LocalAws(ROOT / ".venv-aws" / "bin" / "python") as aws,
    ):
        folder = Path(name)
        build_folder(specs(folder), folder / "plans")
        near = singles(arguments.decisions) + BATCH * arguments.batches
        fill(make_client(REGION, aws.url, 30_000), near + singles(arguments.decisions // 2))
        variables = environment(folder, aws.url, endpoint.url)
        measure_starts(sides, variables, folder, arguments.starts)
        outcomes = measure_warm(
            sides, variables, folder, decisions=arguments.decisions, batches=arguments.batches
        )
        far = {name: Side() for name in HANDLERS}
        seconds = arguments.network_ms / 1000
        with Delay(aws.url, seconds) as slow_aws, Delay(endpoint.url, seconds) as slow_endpoint:
            variables = environment(folder, slow_aws.url, slow_endpoint.url)
            measure_warm(
                far,
                variables,
                folder,
                decisions=arguments.decisions // 2,
                batches=0,
                first=near,
                asked=lambda: slow_aws.requests + slow_endpoint.requests,
            )
        report(sides, far, folder)
    traced = importlib.util.find_spec("aws_xray_sdk") is not None
    print(f"functions: {outcomes}; by hand {'with' if traced else 'without'} a tracer")


if __name__ == "__main__":
    main()
