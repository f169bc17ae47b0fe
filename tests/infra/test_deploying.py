"""Deploying without the command `cdk`: the order of stacks, and what is refused. The rest is in tests/deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.errors import SettingsError
from infra.deploying import Deployer, main, stack_order

STACK = "aws:cloudformation:stack"


def _artifact(kind: str, *dependencies: str) -> dict[str, Any]:
    return {"type": kind, "dependencies": list(dependencies)}


def test_a_stack_comes_after_those_it_depends_on_and_assets_are_no_stacks() -> None:
    artifacts = {
        "Tree": {"type": "cdk:tree"},
        "A": _artifact(STACK, "A.assets", "Shared"),
        "A.assets": _artifact("cdk:asset-manifest"),
        "Shared": _artifact(STACK, "Shared.assets"),
        "Shared.assets": _artifact("cdk:asset-manifest"),
        "B": _artifact(STACK, "A"),
    }

    assert list(stack_order(artifacts)) == ["Shared", "A", "B"]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {}, "usage: python -m infra.deploying FOLDER"),
        (["cdk.out", "more"], {}, "usage: python -m infra.deploying FOLDER"),
        (["cdk.out"], {}, "AWS_ENDPOINT_URL is not set: this deploys to an AWS on this machine"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_called(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    lines: list[object] = []

    assert main(arguments, environment, lines.append) == 2
    assert str(lines[0]).startswith(said)


def test_a_folder_that_holds_no_stacks_is_refused(tmp_path: Path) -> None:
    deployer = Deployer(s3=None, cloudformation=None, account="000000000000", region="eu-central-1")

    with pytest.raises(SettingsError, match=r"manifest\.json can't be read: No such file"):
        deployer.deploy(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {}}))
    with pytest.raises(SettingsError, match="there are no stacks in the manifest"):
        deployer.deploy(tmp_path)
