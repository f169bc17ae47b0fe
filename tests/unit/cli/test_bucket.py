"""`functions bucket`: the group of a customer in every function."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from functions.decision.experiments import bucket
from functions.spec.loading import spec_files

Call = Callable[..., CompletedProcess[str]]

SPECS = Path(__file__).parents[3] / "feature_specs"
HELD_OUT = next(
    name for name in (f"customer-{number}" for number in range(9_999)) if bucket("holdout-2026", name) < 0.02
)


def test_every_assignment_is_shown_with_its_bucket(functions: Call) -> None:
    done = functions("bucket", "customer-0042", "--specs", SPECS, "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["hash"] == "growthbook v2"
    assert document["holdout"]["bucket"] == bucket("holdout-2026", "customer-0042")
    assert document["experiments"]["offer-choice"]["bucket"] == bucket("offer-choice", "customer-0042")
    assert document["functions"]["churn-retention"]["experiment"] == "offer-choice"
    assert document["functions"]["watch-next"] == {"group": "optimised", "experiment": None, "bucket": None}


def test_whoever_is_held_out_is_so_in_every_function(functions: Call) -> None:
    done = functions("bucket", HELD_OUT, "--specs", SPECS)
    assert "holdout: held out; bucket 0.0" in done.stdout
    assert done.stdout.count("holdout: no action at all") == len(list(spec_files(SPECS)))


def test_without_experiments_nobody_is_held_out(functions: Call) -> None:
    done = functions("bucket", HELD_OUT)
    assert done.stdout == (
        f"{HELD_OUT}\n  nobody is held out\n  churn-retention  optimised: the ranking chooses\n"
    )


def test_a_namespace_that_leaves_a_customer_out_is_told(functions: Call, project: Path) -> None:
    (project / "feature_specs" / "experiments.yaml").write_text(
        "experiments:\n  narrow:\n    namespace: { seed: space, range: [0, 0.0001] }\n"
        "    groups: { random: [0, 1] }\n"
    )
    done = functions("bucket", "customer-0042")
    assert f"    not in it: bucket {bucket('space', 'customer-0042')} under space\n" in done.stdout


def test_experiments_with_errors_assign_nobody(functions: Call, project: Path) -> None:
    (project / "feature_specs" / "experiments.yaml").write_text("holdout: { seed: a, range: [0, 2] }\n")
    done = functions("bucket", "customer-0042")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[spec.wrong_value]" in done.stderr
