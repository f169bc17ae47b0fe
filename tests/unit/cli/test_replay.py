"""`functions replay` over files: a day decided again, once for each replay, with nothing sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Command = Callable[..., CompletedProcess[str]]

NEXT_DAY = ("--now", "2026-11-03T00:00:00Z")

pytestmark = pytest.mark.usefixtures("samples")


@pytest.fixture
def day(project: Path) -> Path:
    """The events of a day: four of the cancellation page, in lines and in an envelope, and one of no function."""
    folder = project / "day"
    folder.mkdir()
    sample = json.loads((project / "events" / "cancellation-page.json").read_text())
    events = []
    for hour in range(3):
        detail = {**sample["detail"], "id": f"page-{hour}", "time": f"2026-11-02T0{hour}:00:00Z"}
        events.append({**sample, "detail": detail})
    (folder / "a.jsonl").write_text("\n".join(json.dumps(event) for event in events) + "\n\n")
    (folder / "b.json").write_text(json.dumps(sample))
    (folder / "c.json").write_text(
        json.dumps(
            {**sample, "detail-type": "other", "detail": {**sample["detail"], "id": "other", "name": "other"}}
        )
    )
    (folder / "notes.txt").write_text("no event")
    return folder


def replay(functions: Command, *arguments: str | Path) -> dict[str, Any]:
    done = functions("replay", "--events", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def figures(**counts: int) -> dict[str, int]:
    names = ("decided", "unchanged", "changed", "new", "sent", "duplicate", "rejected", "failed")
    return {name: counts.get(name, 0) for name in names}


def test_replay_of_a_day_decides_each_event_once_and_sends_nothing(
    functions: Command, project: Path, day: Path
) -> None:
    first = replay(functions, day, *NEXT_DAY, "--name", "first")
    again = replay(functions, day, *NEXT_DAY, "--name", "first")
    second = replay(functions, day, *NEXT_DAY, "--name", "second")

    assert (first["events"], first["unreadable"]) == (5, 0)
    assert first["functions"] == {"churn-retention": figures(decided=4, new=4)}
    assert again["functions"] == {"churn-retention": figures(duplicate=4)}
    assert again["generation"] == first["generation"] != second["generation"]
    assert second["functions"] == {"churn-retention": figures(decided=4, new=4)}
    assert not (project / "offers.jsonl").exists()


def test_a_file_that_is_no_text_does_not_stop_a_replay(functions: Command, day: Path) -> None:
    (day / "aa.json").write_bytes(b"\xff{}")
    done = functions("replay", "--events", day, *NEXT_DAY, "--json")

    document = json.loads(done.stdout)
    assert (done.returncode, document["events"], document["unreadable"]) == (1, 5, 1)
    assert "aa.json: no UTF-8 text (event.malformed)\n" in done.stderr


def test_a_file_of_another_form_is_not_answered_by_a_thousand_lines(functions: Command, day: Path) -> None:
    (day / "aa.jsonl").write_text("{\n" * 1_000)
    done = functions("replay", "--events", day, *NEXT_DAY, "--json")

    assert json.loads(done.stdout)["unreadable"] == 1_000
    assert len(done.stderr.splitlines()) == 21
    assert "and 980 more\n" in done.stderr


def test_replay_says_what_differs_from_the_live_decisions(
    functions: Command, project: Path, day: Path
) -> None:
    functions("invoke", "churn-retention", "--event", day / "b.json")
    spec = project / "feature_specs" / "churn-retention.yaml"
    same = replay(functions, day / "b.json", *NEXT_DAY)
    text = spec.read_text()
    assert "churn_risk >= `0.6`" in text
    spec.write_text(text.replace("churn_risk >= `0.6`", "churn_risk >= `0.99`"))
    other = replay(functions, day / "b.json", *NEXT_DAY, "--name", "stricter")

    assert same["functions"] == {"churn-retention": figures(decided=1, unchanged=1)}
    assert other["functions"] == {"churn-retention": figures(decided=1, changed=1)}
    assert len((project / "offers.jsonl").read_text().splitlines()) == 1


def test_replay_keeps_to_the_time_that_was_asked_for(functions: Command, day: Path) -> None:
    done = replay(functions, day, *NEXT_DAY, "--from", "2026-11-02T01:00:00Z", "--to", "2026-11-02T02:00:00Z")

    assert done["events"] == 1


def test_event_that_nobody_decided_about_is_acted_on_while_its_moment_lasts(
    functions: Command, project: Path, day: Path
) -> None:
    done = replay(functions, day, "--now", "2026-11-02T02:00:10Z", "--from", "2026-11-02T02:00:00Z",
                  "--to", "2026-11-02T03:00:00Z")  # fmt: skip

    assert done["functions"]["churn-retention"] == figures(decided=1, new=1, sent=1)
    assert len((project / "offers.jsonl").read_text().splitlines()) == 1


def test_event_of_a_file_is_as_old_as_its_producer_says(functions: Command, project: Path) -> None:
    """It has been sent long ago, so that its arrival here says nothing about its time."""
    call = json.loads((project / "events" / "segment-page.json").read_text())
    call.pop("timestamp", None)
    call.pop("receivedAt", None)
    call |= {"originalTimestamp": "2026-11-02T09:15:00Z", "sentAt": "2026-11-02T09:15:01Z"}
    path = project / "segment.json"
    path.write_text(json.dumps(call))
    replay(functions, path, *NEXT_DAY)

    (decision,) = json.loads(functions("decisions", "--profile", call["userId"], "--json").stdout)
    assert decision["event"]["time"] == "2026-11-02T09:15:00.000Z"
    assert not (project / "offers.jsonl").exists()


def test_what_can_not_be_read_is_named_and_its_neighbours_are_decided(functions: Command, day: Path) -> None:
    with (day / "a.jsonl").open("a") as lines:
        lines.write("{\n")
    done = functions("replay", "--events", day, *NEXT_DAY, "--json")

    assert (done.returncode, json.loads(done.stdout)["unreadable"]) == (1, 1)
    assert "a.jsonl: document could not be read (event.malformed)" in done.stderr
    assert json.loads(done.stdout)["functions"]["churn-retention"]["decided"] == 4


def test_replay_for_people_is_a_table(functions: Command, day: Path) -> None:
    done = functions("replay", "--events", day, *NEXT_DAY, "--name", "first")

    head, titles, row = done.stdout.splitlines()
    assert head.startswith("first  generation ")
    assert head.endswith(", 5 events")
    assert dict(zip(titles.split(), row.split(), strict=True)) == {
        "function": "churn-retention",
        **{name: str(count) for name, count in figures(decided=4, new=4).items()},
    }


def test_replay_in_which_nothing_fires_says_so(functions: Command, day: Path) -> None:
    done = functions("replay", "--events", day / "c.json", *NEXT_DAY)

    assert (done.returncode, done.stderr) == (0, "no event fired a function\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "give --from and --to"),
        (("--from", "2026-11-02", "--to", "2026-11-02"), 2, "--from must be before --to"),
        (("--events", "nowhere.json"), 3, "nowhere.json can't be read"),
        (("--events", ".", "--function", "nobody"), 2, "there is no function 'nobody'"),
        (("--events", "x", "--now", "soon"), 2, "give a time such as"),
    ],
)
def test_what_can_not_be_replayed_is_said(
    functions: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = functions("replay", *arguments)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
