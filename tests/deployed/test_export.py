"""The lasting log of a deployment: what was decided arrives in the bucket, and nothing else."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]


def test_what_was_decided_reaches_the_lasting_log(deployment: Deployment) -> None:
    s3 = deployment.client("s3")
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "export" in one["Name"]]
    deployment.store.put_profile("admin-9002", {"account": {"seats": 4}}, updated_at=datetime.now(UTC))

    def decided() -> set[str]:
        pages = deployment.all_decisions("profile-watch")
        return {one["decision_id"] for one in pages if one["profile_id"] == "admin-9002"}

    kept = deployment.until("a decision about the new profile", decided)

    def exported() -> dict[str, Any] | None:
        objects = s3.list_objects_v2(Bucket=bucket, Prefix="decisions/").get("Contents", ())
        lines = [
            json.loads(line)
            for one in objects
            for line in gzip.decompress(
                s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            ).splitlines()
        ]
        found = {line["decision_id"]: line for line in lines}
        return found if kept <= set(found) else None

    found = deployment.until("the decisions in the log", exported, within_s=150.0)
    assert all({"decided_at", "features", "outcome"} <= set(line) for line in found.values())
