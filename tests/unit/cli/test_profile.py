"""`functions profile`: what is put can be got, and what is wrong is refused alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from functions.profiles.sqlite import SqliteProfileStore
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
    file.write_text(json.dumps(record))
    done = functions("profile", "put", "a", file)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "written: a\n")
    assert _get(functions, "a") == record


def test_a_status_that_was_edited_into_a_refusal_is_dated_now(functions: Command, tmp_path: Path) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-01-01T00:00:00Z")
    record = _get(functions, "a")
    record["consent"]["marketing"]["status"] = "revoked"
    file = tmp_path / "a.json"
    file.write_text(json.dumps(record))
    functions("profile", "put", "a", file)

    assert _get(functions, "a")["consent"]["marketing"]["at"] > "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("status", ["revoked", "denied", "conflict", "unknown"])
def test_a_refusal_is_dated_now_so_that_no_older_grant_opens_consent_again(
    functions: Command, status: str
) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-01-01T00:00:00Z")
    functions("profile", "put", "a", "--consent", f"marketing={status}")
    older = {"id": "a", "consent": {"marketing": {"status": "granted", "at": "2026-02-01T00:00:00Z"}}}
    functions("profile", "import", "-", stdin=json.dumps(older))

    assert _get(functions, "a")["consent"]["marketing"]["status"] == status


def test_a_grant_after_a_refusal_is_news_and_not_a_correction(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=revoked", "--at", "2026-01-01T00:00:00Z")
    functions("profile", "put", "a", "--consent", "marketing=granted")

    assert _get(functions, "a")["consent"]["marketing"]["at"] > "2026-01-01T00:00:00.000Z"


def test_a_refusal_counts_for_events_of_the_past(functions: Command, project: Path, samples: None) -> None:
    functions("profile", "put", "customer-0042", "--consent", "marketing=revoked")
    event = project / "events" / "cancellation-page.json"
    done = functions("invoke", "churn-retention", "--event", event, "--now", "2026-11-02T09:15:00Z", "--json")

    assert json.loads(done.stdout)["reason"]["code"] == "consent.revoked"


def test_what_is_put_under_an_alias_is_put_for_the_customer(functions: Command, project: Path) -> None:
    functions("profile", "put", "customer-1", "--consent", "marketing=granted")
    store = SqliteProfileStore(project / "store.db")
    store.put_alias("visitor-7", "customer-1")
    store.close()
    done = functions("profile", "put", "visitor-7", "--consent", "marketing=revoked")
    functions("profile", "import", "-", stdin='{"id": "visitor-7", "profile": {"x": 1}}')

    assert done.stderr == "visitor-7 stands for customer-1\nwritten: customer-1\n"
    record = _get(functions, "customer-1")
    assert (record["consent"]["marketing"]["status"], record["profile"]) == ("revoked", {"x": 1})
    assert _get(functions, "visitor-7") == record


def test_the_same_consent_twice_is_an_error_unless_both_say_the_same(functions: Command) -> None:
    twice = ("--consent", "marketing=granted", "--consent", "marketing=revoked")
    done = functions("profile", "put", "a", *twice)
    assert (done.returncode, functions("profile", "get", "a").returncode) == (2, 1)
    assert "--consent marketing is given twice" in done.stderr
    assert functions("profile", "put", "a", *twice[:2], *twice[:2]).returncode == 0


def test_a_consent_that_no_purpose_needs_is_a_slip_unless_it_is_said(functions: Command) -> None:
    done = functions("profile", "put", "a", "--consent", "marketting=revoked")
    assert (done.returncode, functions("profile", "get", "a").returncode) == (2, 1)
    assert "error[profile.unknown_consent]" in done.stderr
    assert "did you mean 'marketing'?" in done.stderr
    forced = functions("profile", "put", "a", "--consent", "marketting=revoked", "--new-consent")
    assert forced.returncode == 0


def test_consent_is_written_where_no_contract_can_be_read(functions: Command, project: Path) -> None:
    (project / "feature_specs" / "contract.yaml").write_text("purposes: [")
    done = functions("profile", "put", "a", "--consent", "marketing=revoked")
    assert done.returncode == 0
    assert "names of consents are not checked" in done.stderr


def test_an_import_names_the_consents_that_no_purpose_needs(functions: Command) -> None:
    lines = "".join(f'{{"id": "{one}", "consent": {{"marketting": "granted"}}}}\n' for one in "ab")
    done = functions("profile", "import", "-", stdin=lines)
    assert done.returncode == 0
    assert "consent marketting: no purpose needs it; imported 2 times\n" in done.stderr


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ('{"id": "a", "profile": {}, "consents": {}}', "`consents` (did you mean `consent`?)"),
        ('{"id": "a", "consents": {"marketing": "granted"}}', "`consents` (did you mean `consent`?)"),
        ('{"profile": {}, "hunter2@example.com": 1}', "key of this form (1 found)"),
        (
            '{"profile": {}, "consent": {"marketing": {"status": "granted", "sorce": "x"}}}',
            "`sorce` (did you",
        ),
    ],
)
def test_a_key_that_no_record_has_is_named(
    functions: Command, tmp_path: Path, record: str, named: str
) -> None:
    file = tmp_path / "a.json"
    file.write_text(record)
    done = functions("profile", "put", "a", file)

    assert (done.returncode, functions("profile", "get", "a").returncode) == (1, 1)
    assert named in done.stderr
    assert "hunter2" not in done.stderr


def test_a_bare_profile_may_have_any_keys(functions: Command, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"id": 7, "agreed": true, "orders": {}, "profile": "gold"}')
    functions("profile", "put", "a", file)

    assert _get(functions, "a")["profile"]["profile"] == "gold"


def test_a_file_of_another_form_is_not_answered_by_a_thousand_lines(functions: Command) -> None:
    done = functions("profile", "import", "-", stdin="\n".join(["{", *["  1,"] * 1_500, "}"]))

    lines = done.stderr.splitlines()
    assert lines[20:] == [
        "and 1,482 more",
        "0 profiles imported, 1,502 lines refused",
        "  = every record stands on a line of its own; `jq -c . FILE` brings it there",
    ]


def test_what_was_written_is_told_as_json(functions: Command) -> None:
    put = functions(
        "profile", "put", "a", "--consent", "marketing=denied", "--at", "2026-01-01T00:00:00Z", "--json"
    )
    imported = functions("profile", "import", "-", "--json", stdin='{"id": "b", "profile": {}}\nno\n')
    deleted = functions("profile", "delete", "b", "--json")

    assert json.loads(put.stdout) == {
        "id": "a",
        "consent": {"marketing": {"status": "denied", "at": "2026-01-01T00:00:00.000Z"}},
        "kept": [],
    }
    assert json.loads(imported.stdout) == {"imported": 1, "refused": 1}
    assert json.loads(deleted.stdout)["erased"]["profile"] == 1


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
    functions("profile", "put", "a", "--consent", "marketing=granted", "--consent", "in-store=denied")

    consent = _get(functions, "a")["consent"]
    assert {name: record["status"] for name, record in consent.items()} == {
        "marketing": "granted",
        "in-store": "denied",
    }


def test_one_more_grant_keeps_the_date_unless_one_is_given(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-01-01T00:00:00Z")
    functions("profile", "put", "a", "--consent", "marketing=granted")
    corrected = _get(functions, "a")["consent"]["marketing"]
    functions("profile", "put", "a", "--consent", "marketing=granted", "--at", "2026-02-01T00:00:00Z")
    dated = _get(functions, "a")["consent"]["marketing"]

    assert (corrected["at"], dated["at"]) == ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")


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
