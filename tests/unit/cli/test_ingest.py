"""`functions ingest`, and imports in the formats of platforms: the samples, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Command = Callable[..., CompletedProcess[str]]

NOW = "2026-11-02T09:20:00Z"


@pytest.fixture
def take(functions: Command, project: Path) -> Command:
    def run(name: str, *more: str) -> CompletedProcess[str]:
        return functions("ingest", "--event", project / "events" / "ingest" / name, "--now", NOW, *more)

    return run


def _get(functions: Command, name: str) -> Any:
    return json.loads(functions("profile", "get", name).stdout)


def test_own_record_writes_profile_consent_and_alias(functions: Command, take: Command) -> None:
    done = take("record.json", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "position": "document",
        "fate": "written",
        "wrote": ["alias", "consent.marketing", "profile"],
        "kept": [],
        "profile_id": "customer-0042",
    }
    kept = _get(functions, "customer-0042")
    assert kept["profile"]["orders"]["count"] == 4
    assert kept["consent"]["marketing"]["source"] == "preference centre"
    again = take("record.json")
    assert again.stdout == "written  document: customer-0042: alias, consent.marketing, profile\n"


def test_batch_of_segment_says_the_fate_of_each_call(functions: Command, take: Command) -> None:
    done = take("segment-identify.json")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "written  batch[0]: customer-0042: alias, consent.marketing, consent.personalization, traits",
        "written  batch[1]: customer-0042: alias, traits",
        "refused  batch[2]: error[event.blocked_id]",
    ]
    kept = _get(functions, "customer-0042")
    assert kept["profile"]["traits"] == {"plan": "premium", "city": "Ghent", "newsletter": True}
    assert {name: one["status"] for name, one in kept["consent"].items()} == {
        "marketing": "granted",
        "personalization": "denied",
    }


def test_visitor_of_tealium_is_a_profile_with_its_names_as_they_are(
    functions: Command, take: Command
) -> None:
    assert take("tealium-visitor.json").returncode == 0
    assert _get(functions, "visitor-7f3a")["profile"]["metrics"]["Lifetime visit count"] == 12
    take("record.json")
    assert take("tealium-visitor.json").stdout == "written  document: customer-0042: profile\n"


def test_what_is_no_json_is_refused(functions: Command) -> None:
    done = functions("ingest", "--event", "-", stdin="{")
    assert (done.returncode, done.stdout) == (1, "refused  document: error[event.malformed]\n")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("segment", "segment-page.json"),
        ("tealium", "tealium-event.json"),
        ("canonical", "ingest/record.json"),
    ],
)
def test_import_takes_the_format_that_is_named_and_no_other(
    functions: Command, project: Path, tmp_path: Path, form: str, name: str
) -> None:
    file = tmp_path / "records.jsonl"
    line = json.dumps(json.loads((project / "events" / name).read_text()))
    file.write_text(f'{line}\n{{"id": "x", "profile": {{}}}}\n')
    done = functions("profile", "import", file, "--format", form)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        f"{file}:2: no record of the format {form}",
        "1 profile imported, 1 line refused",
    ]
    assert _get(functions, "customer-0042")["consent"]["marketing"]["status"] in ("granted", "denied")
