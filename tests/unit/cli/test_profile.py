"""`functions profile`: what is put can be got, and what is wrong is refused alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from functions.times import parse_instant

Command = Callable[..., CompletedProcess[str]]


def _get(functions: Command, name: str) -> Any:
    done = functions("profile", "get", name)
    assert done.returncode == 0
    return json.loads(done.stdout)


def test_a_whole_file_is_imported(functions: Command, project: Path) -> None:
    done = functions("profile", "import", project / "feature_specs" / "profiles.jsonl")

    assert (done.returncode, done.stdout) == (0, "")
    lines = (project / "feature_specs" / "profiles.jsonl").read_text().splitlines()
    assert done.stderr == f"{len(lines)} profiles imported\n"
    assert _get(functions, "customer-0042")["consent"]["marketing"]["status"] == "granted"


def test_bad_lines_are_named_and_the_import_goes_on(functions: Command, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    lines = [
        b'\xef\xbb\xbf{"id": "first", "profile": {"x": 1}}',
        b"no json",
        b"",
        b'{"profile": {"x": 1}}',
        b'{"id": "late", "profile": {}, "consent": {"marketing": "maybe"}}',
        b'{"id": "\xff", "profile": {}}',
        b"[]",
        json.dumps({"id": "i" * 2_000, "profile": {}}).encode(),
        json.dumps({"id": "huge", "profile": {"x": "x" * 2_000_000}}).encode(),
        b'{"id": "last", "profile": {"y": 2}, "consent": {"marketing": "granted"}}',
    ]
    file.write_bytes(b"\n".join(lines))
    done = functions("profile", "import", file)

    *problems, verdict = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert [problem.removeprefix(f"{file}:").partition(":")[0] for problem in problems] == [
        "2", "4", "5", "6", "7", "8", "9",
    ]  # fmt: skip
    assert problems[1].endswith("the record has no `id`")
    assert problems[2].endswith(
        "consent.marketing.status must be one of granted, denied, revoked, unknown, conflict"
    )
    assert verdict == "2 profiles imported, 7 lines refused"
    assert _get(functions, "first")["profile"] == {"x": 1}
    assert _get(functions, "last")["profile"] == {"y": 2}
    assert functions("profile", "get", "late").returncode == 1


def test_records_come_over_standard_input_too(functions: Command) -> None:
    done = functions("profile", "import", "-", stdin='\ufeff{"id": "a", "profile": {"name": "Zoë"}}\n\n')

    assert done.stderr == "1 profile imported\n"
    assert _get(functions, "a")["profile"] == {"name": "Zoë"}


def test_a_file_that_is_not_there_ends_with_three(functions: Command) -> None:
    done = functions("profile", "import", "nowhere.jsonl")

    assert done.returncode == 3
    assert "nowhere.jsonl can't be read: No such file or directory" in done.stderr


def test_what_get_prints_can_be_edited_and_put_again(functions: Command, tmp_path: Path) -> None:
    profile = {"orders": {"count": 9007199254740993, "list": [1, 2.5, None, True]}, "name": "Zoë 👋"}
    consent = {"marketing": {"status": "granted", "at": "2026-01-01T00:00:00.000Z", "source": "form"}}
    functions("profile", "import", "-", stdin=json.dumps({"id": "a", "profile": profile, "consent": consent}))
    record = _get(functions, "a")
    file = tmp_path / "a.json"

    record["profile"]["orders"]["count"] += 1
    record["consent"]["marketing"]["status"] = "revoked"
    file.write_text(json.dumps(record))
    done = functions("profile", "put", "a", file)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "written: a\n")
    assert _get(functions, "a") == record


def test_scores_and_contacts_are_shown_and_survive_a_put(
    functions: Command, project: Path, tmp_path: Path, samples: None
) -> None:
    functions("invoke", "churn-retention", "--event", project / "events" / "cancellation-page.json")
    record = _get(functions, "customer-0042")
    file = tmp_path / "customer.json"
    file.write_text(json.dumps({**record, "scores": {}, "contacts": [], "version": 0}))
    functions("profile", "put", "customer-0042", file)

    score, contact = record["scores"]["churn_risk"], record["contacts"][0]
    assert (score["function"], score["model"]) == ("churn-retention", "churn-risk")
    assert score["at"] == "2026-11-02T09:15:00.000Z"
    assert score["expires_at"] == "2026-11-03T09:15:00.000Z"
    assert (contact["action"], contact["status"]) == ("retention-offer-20", "sent")
    assert _get(functions, "customer-0042") == record


def test_a_bare_profile_can_be_put_and_consent_stays(functions: Command, tmp_path: Path) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted")
    file = tmp_path / "profile.json"
    file.write_text('{"x": 1}')
    functions("profile", "put", "a", "--file", file)

    record = _get(functions, "a")
    assert record["profile"] == {"x": 1}
    assert record["consent"]["marketing"]["status"] == "granted"


def test_a_record_of_somebody_else_is_refused(functions: Command, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    file.write_text('{"id": "b", "profile": {}}')
    done = functions("profile", "put", "a", file)

    assert done.returncode == 1
    assert "error[profile.other_id]" in done.stderr
    assert functions("profile", "get", "a").returncode == 1


def test_several_consent_records_change_at_once(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted", "--consent", "service=denied")

    consent = _get(functions, "a")["consent"]
    assert {name: record["status"] for name, record in consent.items()} == {
        "marketing": "granted",
        "service": "denied",
    }


def test_a_correction_keeps_the_date_unless_one_is_given(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-01-01T00:00:00Z")
    functions("profile", "put", "a", "--consent", "marketing=revoked")
    corrected = _get(functions, "a")["consent"]["marketing"]
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-02-01T00:00:00Z")
    dated = _get(functions, "a")["consent"]["marketing"]

    assert (corrected["status"], corrected["at"]) == ("revoked", "2026-01-01T00:00:00.000Z")
    assert (dated["status"], dated["at"]) == ("granted", "2026-02-01T00:00:00.000Z")


def test_consent_from_before_the_stored_record_is_not_written_and_that_is_said(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=revoked", "--at", "2026-02-01T00:00:00Z")
    done = functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-01-01T00:00:00Z")

    assert done.returncode == 1
    assert (
        "consent marketing: the record in the store is newer, or as new and stricter; it stays" in done.stderr
    )
    assert _get(functions, "a")["consent"]["marketing"]["status"] == "revoked"


def test_a_grant_after_a_refusal_is_dated_now_unless_a_date_is_given(functions: Command) -> None:
    """A correction never gives consent back for the instant at which it was refused."""
    refused_at = "2026-01-01T00:00:00Z"
    functions("profile", "put", "a", "--consent", "marketing=revoked", "--at", refused_at)
    same = functions("profile", "put", "a", "--consent", "marketing=granted", "--at", refused_at)
    assert same.returncode == 1
    assert _get(functions, "a")["consent"]["marketing"]["status"] == "revoked"

    assert functions("profile", "put", "a", "--consent", "marketing=granted").returncode == 0
    given = _get(functions, "a")["consent"]["marketing"]
    assert given["status"] == "granted"
    assert parse_instant(given["at"]) > parse_instant(refused_at) + timedelta(days=1)


def test_a_grant_from_the_future_is_refused_with_all_that_came_with_it(
    functions: Command, tmp_path: Path
) -> None:
    """It would stand against every refusal until then; a refusal counts from now on."""
    file = tmp_path / "ahead.jsonl"
    ahead = {"status": "granted", "at": "2999-01-01T00:00:00Z"}
    file.write_text(json.dumps({"id": "a", "profile": {"x": 1}, "consent": {"marketing": ahead}}) + "\n")
    done = functions("profile", "import", file)
    assert "a consent is dated more than 5m ahead of the clock" in done.stderr
    assert functions("profile", "get", "a").returncode == 1

    put = functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2999-01-01T00:00:00Z")
    assert put.returncode != 0
    assert "a consent is dated more than 5m ahead of the clock" in put.stderr
    functions("profile", "put", "a", "--consent", "marketing=revoked", "--at", "2999-01-01T00:00:00Z")
    kept = _get(functions, "a")["consent"]["marketing"]
    assert kept["status"] == "revoked"
    assert not kept["at"].startswith("2999")


def test_no_error_repeats_what_a_record_holds(functions: Command, tmp_path: Path) -> None:
    file = tmp_path / "secrets.jsonl"
    file.write_text(
        '{"id": "a", "profile": {"email": "hunter2@example.com"},}\n'
        '{"id": "hunter2", "profile": 3, "consent": {}}\n'
        '{"id": "a", "profile": {}, "consent": {"hunter2@example.com": "granted", "marketing": "hunter2"}}\n'
    )
    done = functions("profile", "import", file)

    assert done.stderr.endswith("0 profiles imported, 3 lines refused\n")
    assert "hunter2" not in done.stderr
