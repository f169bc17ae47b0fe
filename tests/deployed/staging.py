"""What is deployed: the samples as they can run here, their profiles, and who receives their actions."""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from functions.decision.probabilities import seed_of
from functions.events.replays import LIVE
from functions.runtime.identity import decision_id
from functions.testing.local_aws import ACCOUNT, REGION, LocalAws
from functions.times import format_instant, parse_instant

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "feature_specs"
ENVIRONMENT = ROOT / ".venv-aws"
PREFIX = "functions-e2e"
TABLE = f"{PREFIX}-profiles"
ORIGIN = "https://shop.example"
VISITS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/visits"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}

# The day of the sample events, and how it is written in the profiles.
SAMPLED_AT = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

# Rails of these kinds say the same at every hour and after every action; caps and quiet hours would not.
TIMELESS = {"unless_consent", "listed"}


def drawing_an_action(function: str, customer: str, *, prefix: str) -> str:
    """Return the id of an event for which one of the better actions is drawn, where a function learns."""
    names = (f"{prefix}-{number}" for number in itertools.count(1))
    ids = (
        (name, decision_id(function=function, event_id=name, key=customer, generation=LIVE)) for name in names
    )
    return next(name for name, found in ids if seed_of(found) < 0.5)


def send_to_studio(session: Any, aws: LocalAws) -> None:
    """Let a rule put what functions decide into a queue, as a receiver of actions would."""
    sqs, events = (session.client(name, endpoint_url=aws.url) for name in ("sqs", "events"))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:studio"
    url = sqs.create_queue(QueueName="studio")["QueueUrl"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = json.dumps({"detail-type": ["action.decided"]})
    events.put_rule(Name="to-studio", EventBusName=PREFIX, EventPattern=pattern)
    events.put_targets(Rule="to-studio", EventBusName=PREFIX, Targets=[{"Id": "studio", "Arn": arn}])


def synthesize(folder: Path, models_url: str) -> None:
    """Write templates and bundle assets: pinned wheels for this machine, the package, plans."""
    version = subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    context = {
        "environment": "e2e",
        "specs": str(folder / "specs"),
        "target": "local",
        "python": version.stdout.strip(),
        "architecture": ARCHITECTURES[platform.machine()],
        "synthesizer": "cli",
        "keep_data": False,
        "ingest": True,
        "outcomes": True,
        "checks": False,
        "lease_s": 10,
        "sagemaker_url": models_url,
        "origins": [ORIGIN],
        "functions": {
            # No more at the same time than this machine can run.
            "churn-retention": {"timeout_s": 20, "max_concurrency": 2},
            "saas-account-health": {"timeout_s": 20},
            "footwear-offer": {"source": VISITS},
            "profile-watch": {"source": "profile-changes"},
            "page-offer": {"url": True},
        },
    }
    wheels = ENVIRONMENT / "wheels"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels.exists() else {}
    environment = {
        **os.environ,
        **offline,
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "infra" / "app.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def import_profiles(path: Path, aws: LocalAws) -> None:
    """Import the sample profiles, moved in time as the sample events are, so that every day sees the same."""
    moved = datetime.now(UTC) - SAMPLED_AT

    def later(found: re.Match[str]) -> str:
        return format_instant(parse_instant(found.group()) + moved)

    text = (SPECS / "profiles.jsonl").read_text(encoding="utf-8")
    path.write_text(INSTANT.sub(later, text), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "functions", "profile", "import", str(path)],
        cwd=ROOT,
        env={**aws.environment, "FUNCTIONS_STORE": f"dynamodb:{TABLE}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def write_specs(folder: Path, *, models_url: str, crm_url: str, offers: str) -> None:
    """Write the sample specs as they can run here: other channels, other addresses, more patience.

    Two are made of them: `page-offer` answers a page, and `profile-watch` follows the profiles.
    """
    folder.mkdir()
    registry = yaml.safe_load((SPECS / "actions.yaml").read_text())
    registry["channels"] = {
        "crm": {
            "kind": "webhook",
            "url": crm_url,
            "secret": {"secret": "crm-key"},
            "allow_private": True,
        },
        "offers": {"kind": "sqs", "queue_url": offers},
        "page": {"kind": "response"},
        "studio": {"kind": "eventbridge", "bus": PREFIX},
    }
    actions = registry["actions"]
    actions["retention-offer-20"]["channel"] = actions["retention-offer-10"]["channel"] = "crm"
    actions["suggest-next-titles"]["channel"] = "studio"
    actions["page-offer-10"] = {**actions["retention-offer-10"], "channel": "page"}
    documents = {path.name: yaml.safe_load(path.read_text()) for path in SPECS.glob("*.yaml")}
    specs = {one["name"]: one for one in documents.values() if "trigger" in one}
    for name, document in documents.items():
        if "trigger" not in document and "cases" not in document:
            document.pop("holdout", None)  # whoever is held out is nobody to wait for
            if "rails" in document:
                document["rails"] = [rail for rail in document["rails"] if TIMELESS & set(rail)]
                document["learning"] = {"prior_weight": 20}
            (folder / name).write_text(json.dumps(document, default=str))
    (folder / "actions.yaml").write_text(json.dumps(registry))
    churn, health = specs["churn-retention"], specs["saas-account-health"]
    pattern = {"detail-type": ["page_view"], "detail": {"properties": {"page_type": ["basket"]}}}
    specs["page-offer"] = {
        **churn,
        "name": "page-offer",
        "trigger": {"event_pattern": pattern},
        "decide": {**churn["decide"], "actions": ["page-offer-10"]},
    }
    specs["profile-watch"] = {
        **health,
        "name": "profile-watch",
        "trigger": {"event_pattern": {"detail-type": ["profile_changed"]}},
        # Under a name of its own: who was imported has no score yet that saas-account-health could fall back on.
        "write_back": {"scores.watched_risk": {"from": "account_risk", "expires_after": "1d"}},
    }
    served = {"watch-next": "next-titles", "vip-cart-abandonment": "cart-recovery"}
    for name, spec in specs.items():
        model = {**spec["model"], "timeout": "3s"}
        if name in served:
            model["url"] = f"{models_url}/models/{served[name]}"
        trigger = {**spec["trigger"], "max_age": "1h"}
        (folder / f"{name}.yaml").write_text(json.dumps({**spec, "model": model, "trigger": trigger}))
