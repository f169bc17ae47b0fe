"""Templates, synthesized once: without network, without credentials, in a process of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "feature_specs"

KINESIS = "arn:aws:kinesis:eu-central-1:111122223333:stream/clicks"
QUEUE = "arn:aws:sqs:eu-central-1:444455556666:carts.fifo"
KEY = "arn:aws:kms:eu-central-1:444455556666:key/0b5c2a4e-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What the app wrote."""

    folder: Path
    stderr: str
    returncode: int

    @property
    def templates(self) -> dict[str, dict[str, Any]]:
        return {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(self.folder.glob("*.template.json"))
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {
            f"{stack}/{name}": resource
            for stack, template in self.templates.items()
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }


Synthesize = Callable[..., Synthesis]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Return what runs `python infra/app.py` with context values."""
    if importlib.util.find_spec("aws_cdk") is None:
        pytest.skip("aws-cdk-lib is not installed")

    def run(**context: Any) -> Synthesis:
        folder = tmp_path_factory.mktemp("assembly")
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),  # this tree, whichever is installed
            "HOME": os.environ.get("HOME", str(folder)),  # where CDK keeps what it unpacks
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HTTPS_PROXY": "http://127.0.0.1:9",  # whoever asks the network gets no answer
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({"bundle": "false", **context}),
        }
        done = subprocess.run(
            [sys.executable, str(ROOT / "infra" / "app.py")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Synthesis(folder, done.stderr + done.stdout, done.returncode)

    return run


@pytest.fixture(scope="session")
def deployed(synthesize: Synthesize) -> Synthesis:
    """Everything at once: the specs of this repository, and one function for each way of being fired."""
    done = synthesize(
        functions={
            "churn-retention": {"url": True, "reserved_concurrency": 5, "timeout_s": 20},
            "watch-next": {"source": "profile-changes"},
            "footwear-offer": {"source": KINESIS},
            "saas-account-health": {"paused": True, "batch_size": 50},
        },
        origins=["https://shop.example"],
        alarm_email="on-call@shop.example",
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def full(synthesize: Synthesize, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What nobody has unless they ask for it, all at once: ingest, outcomes, snapshots, traces, queues of others."""
    requirements = tmp_path_factory.mktemp("pinned") / "traced.txt"
    requirements.write_text("aws-xray-sdk==2.15.0\n")
    done = synthesize(
        ingest="true",
        outcomes="true",
        suppression="true",
        log_key="true",
        tracing="true",
        snap_start="true",
        requirements=str(requirements),
        accounts="777788889999",
        keys=[KEY],
        event_skew_s=60,
        policy_every_s=30,
        policy_good_for_s=600,
        url_concurrency=7,
        sagemaker_url="https://runtime.example",
        functions={
            "churn-retention": {"url": True, "source": "profile-changes"},
            "saas-account-health": {"reserved_concurrency": 5},
            "watch-next": {"source": "profile-changes"},
            "footwear-offer": {"source": KINESIS},
            "vip-cart-abandonment": {"source": QUEUE, "max_concurrency": 3},
        },
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def ingesting(full: Synthesis) -> Synthesis:
    """A deployment with profile ingest."""
    return full


@pytest.fixture(scope="session")
def recording(full: Synthesis) -> Synthesis:
    """A deployment that records outcomes and counts responses."""
    return full
