"""`functions tail`, `metrics` and `deploy`, as far as they are about this machine."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from functions.cli.console import Console
from functions.cli.metrics import _row
from functions.cli.tables import render_table
from functions.cli.tail import follow
from functions.errors import OperationDeniedError
from functions.handlers.log import log_document
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.operations.aws import AwsCalls
from functions.operations.figures import COUNTS, Figures, read_figures
from functions.operations.log_lines import Line
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, put_customer

Command = Callable[..., CompletedProcess[str]]


def a_line(*, reply: bytes | None = b"0.83", generation: int = 0) -> Line:
    model = MemoryModel() if reply is None else MemoryModel(lambda _: ModelReply(reply, "text/csv"))
    world = Rehearsal(now=NOW, model=model)
    put_customer(world.store)
    now = NOW + timedelta(days=1) if generation else NOW
    receipt = world.runtime.handle(a_plan(), an_event(), now=now, generation=generation)
    return Line(NOW, log_document(receipt))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(*looks: list[Line], tty: bool = False, as_json: bool = False) -> tuple[int, str]:
    """Follow through these looks, and then press Ctrl-C."""
    out = Terminal() if tty else io.StringIO()
    console = Console(io.StringIO(), out, io.StringIO(), {})
    waiting, slept = list(looks), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if not waiting:
            raise KeyboardInterrupt

    code = follow(lambda: waiting.pop(0), console, sleep=sleep, as_json=as_json)
    assert slept == [2.0] * len(looks)
    return code, out.getvalue()


def test_tail_shows_decisions_as_they_come_and_ends_quietly() -> None:
    code, text = shown([a_line()], [], [a_line(reply=None)], [a_line(generation=7)])

    assert code == 0
    acted, why, fallback, _, replayed, reason = text.splitlines()
    assert acted.startswith("2026-11-02T09:15:00.000Z  churn  ACTED  offer-20 to offers: sent  customer ")
    assert why.endswith("[action.chosen]")
    assert "churn-risk: fallback [model.unavailable]" in fallback
    assert replayed.startswith("2026-11-02T09:15:00.000Z  churn  SUPPRESSED  customer ")
    assert "replay 7" in replayed
    assert reason.endswith("[event.replayed]")


def test_tail_has_colours_on_a_terminal_alone() -> None:
    assert "\x1b[" in shown([a_line()], tty=True)[1]
    assert "\x1b[" not in shown([a_line()])[1]


def test_tail_as_json_is_a_receipt_on_each_line() -> None:
    lines = [json.loads(line) for line in shown([a_line(), a_line()], as_json=True)[1].splitlines()]

    assert [(line["at"], line["outcome"]) for line in lines] == [("2026-11-02T09:15:00.000Z", "acted")] * 2


@pytest.mark.parametrize(
    "arguments",
    [("tail", "--since", "soon"), ("tail", "--since", "0s"), ("tail", "--outcome", "odd"),
     ("metrics", "--last", "year")],
)  # fmt: skip
def test_wrong_usage_is_said(functions: Command, arguments: tuple[str, ...]) -> None:
    assert functions(*arguments).returncode == 2


@pytest.mark.parametrize("command", ["tail", "metrics"])
def test_environment_that_is_none_is_said(functions: Command, command: str) -> None:
    done = functions(command, environment={"FUNCTIONS_ENVIRONMENT": "Prod!", "AWS_REGION": "eu-central-1"})

    assert done.returncode == 3


def test_figures_are_a_table_with_a_dash_for_what_nothing_is_known_of() -> None:
    quiet = Figures("quiet", dict.fromkeys(COUNTS, 0), {}, None)
    busy = Figures(
        "busy", {**dict.fromkeys(COUNTS, 0), "Acted": 1500, "RungModel": 1}, {"p50": 11.6, "p99": 80.2}, 3
    )
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), {})
    rows = [_row(one) for one in (quiet, busy)]

    assert rows[0] == ["quiet", "0", "0", "0", "0", "0", "0", "-", "-", "-", "-", "-"]
    assert rows[1] == ["busy", "1,500", "0", "0", "0", "0", "0", "12", "80", "0%", "0%", "3"]
    assert len({len(line) for line in render_table(["f", *"abcdefghijk"], rows, console)}) == 1


def test_figures_of_many_functions_are_asked_for_in_parts() -> None:
    asked: list[int] = []

    class Client:
        def get_metric_data(self, **page: Any) -> dict[str, Any]:
            queries = page["MetricDataQueries"]
            asked.append(len(queries))
            found = [{"Id": one["Id"], "Values": [1.0]} for one in queries]
            if "NextToken" in page:
                return {"MetricDataResults": found[1:]}
            return {"MetricDataResults": found[:1], "NextToken": "more"}

        def get_queue_url(self, **_: Any) -> None:
            raise OperationDeniedError("no queue")

    client: Any = Client()

    class Denied(AwsCalls):
        def call(self, operation: str, **request: Any) -> dict[str, Any]:
            raise OperationDeniedError("no queue")

    figures = read_figures(
        AwsCalls("cloudwatch", client=client),
        Denied("sqs", client=client),
        environment="dev",
        functions=[f"f-{number}" for number in range(50)],
        window=timedelta(hours=1),
        now=NOW,
    )

    assert asked == [500, 500, 150, 150]
    assert {one.counts["Acted"] for one in figures} == {1}
    assert {one.latency_ms["p99"] for one in figures} == {1.0}
    assert {one.dead_letters for one in figures} == {None}


@pytest.fixture
def app(project: Path) -> Any:
    """A folder to deploy from, and a command `cdk` that writes what it was told."""
    (project / "cdk.json").write_text("{}")
    tools = project / "bin"
    tools.mkdir()
    cdk = tools / "cdk"
    cdk.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > told\nexit "${CDK_EXIT:-0}"\n')
    cdk.chmod(0o755)
    before = Path.cwd()
    os.chdir(project)
    yield {"PATH": f"{tools}:/usr/bin:/bin"}
    os.chdir(before)


def test_deploy_checks_first_and_hands_over(functions: Command, project: Path, app: dict[str, str]) -> None:
    done = functions("deploy", "--environment", "prod", "--", "-c", "log_days=7", environment=app)

    assert done.returncode == 0, done.stderr
    assert "passed, 0 failed" in done.stderr
    assert (project / "told").read_text().splitlines() == [
        "deploy", "--all", "-c", "environment=prod", "-c", f"specs={project}/feature_specs", "-c", "log_days=7",
    ]  # fmt: skip


def test_deploy_as_json_prints_what_the_stacks_give_out_and_nothing_else(
    functions: Command, project: Path, app: dict[str, str]
) -> None:
    cdk = project / "bin" / "cdk"
    cdk.write_text(
        '#!/bin/sh\necho chatter\nfor last; do :; done\necho \'{"shared": {"Bus": "b"}}\' > "$last"\n'
    )
    done = functions("deploy", "--environment", "prod", "--json", environment=app)

    assert json.loads(done.stdout) == {
        "environment": "prod",
        "deployed": True,
        "stacks": {"shared": {"Bus": "b"}},
    }
    assert "passed, 0 failed" in done.stderr
    failed = functions("deploy", "--json", environment={**app, "PATH": "/nowhere"})
    assert (failed.returncode, failed.stdout) == (3, "")


def test_deploy_says_that_cdk_failed(functions: Command, app: dict[str, str]) -> None:
    assert functions("deploy", environment={**app, "CDK_EXIT": "4"}).returncode == 1


@pytest.mark.parametrize("file", ["churn-retention.yaml", "churn-retention.cases.yaml"])
def test_deploy_hands_nothing_over_that_is_wrong(
    functions: Command, project: Path, app: dict[str, str], file: str
) -> None:
    path = project / "feature_specs" / file
    text = path.read_text()
    broken = (
        text.replace("churn_risk >= `0.6`", "churn_risk >=")
        if "cases" not in file
        else text.replace("outcome: acted", "outcome: no_action", 1)
    )
    assert broken != text
    path.write_text(broken)
    done = functions("deploy", environment=app)

    assert done.returncode == 1
    assert not (project / "told").exists()


def test_deploy_without_cdk_says_how_to_get_it(functions: Command, app: dict[str, str]) -> None:
    done = functions("deploy", environment={"PATH": "/nowhere"})

    assert (done.returncode, "npm install --global aws-cdk@" in done.stderr) == (3, True)


def test_deploy_elsewhere_says_where_to_run_it(
    functions: Command, app: dict[str, str], project: Path
) -> None:
    (project / "cdk.json").unlink()
    done = functions("deploy", environment=app)

    assert (done.returncode, "there is no cdk.json here" in done.stderr) == (3, True)
