"""Everything that the README and the pages show is run, and prints what they show."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TRANSCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "transcript.py"), run_name="transcript")
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```console" in page.read_text()
]


@pytest.mark.e2e
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    with TRANSCRIPT["Folder"](tmp_path) as folder:
        for block in TRANSCRIPT["blocks"](page.read_text()):
            if isinstance(block[0], TRANSCRIPT["Edit"]):
                folder.apply(block)
                continue
            for one in block:
                printed = folder.run(one.command)
                if not TRANSCRIPT["agrees"](one.shown, printed):
                    normalised = TRANSCRIPT["normalised"]
                    hint = f"run: python docs/transcript.py {page.relative_to(ROOT)}"
                    assert normalised(printed) == normalised(one.shown), f"{one.command}: {hint}"


def _fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_code_comes_within_twenty_lines() -> None:
    first = README.splitlines().index("```console")

    assert first < 20


def test_the_readme_says_what_it_is_in_three_sentences() -> None:
    what = README.split("\n\n")[1]

    assert len(re.findall(r"\.(?:\s|$)", what)) == 3


def test_the_two_commands_come_first_and_are_targets_of_the_makefile() -> None:
    commands = [step.command for session in TRANSCRIPT["sessions"](README) for step in session]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert commands[:2] == ["make demo", "make test"]
    assert {"demo", "test"} <= set(targets)


def test_what_is_done_by_hand_is_what_the_makefile_does() -> None:
    (by_hand,) = _fenced("sh")
    makefile = (ROOT / "Makefile").read_text().replace("$(PIP)", "PIP")

    installs = [line.partition("-m pip ")[2] for line in by_hand.splitlines() if "-m pip " in line]
    assert len(installs) == 2
    for install in installs:
        assert f"PIP {install}" in makefile


def test_the_excerpt_stands_in_the_sample_line_by_line() -> None:
    (excerpt,) = _fenced("yaml")
    sample = (ROOT / "feature_specs" / "churn-retention.yaml").read_text().splitlines()

    places = [sample.index(line) for line in excerpt.splitlines() if line]
    assert places == sorted(places)


def test_the_figures_of_the_text_are_those_of_the_receipt() -> None:
    payload = re.search(r"sent        (\d+) bytes of text/csv", README)
    profile = re.search(r"profile of ([\d,]+) bytes", README)
    text = re.search(r"\*\*(\d+) bytes out of a profile of (\d+) KB\*\*", README)
    assert payload is not None
    assert profile is not None
    assert text is not None

    kilobytes = int(profile[1].replace(",", "")) // 1_000
    assert (text[1], int(text[2])) == (payload[1], kilobytes)


def test_a_session_is_read_command_by_command() -> None:
    page = "x\n```console\n$ one \\\n    more\nout\n...\n$ two\n```\n```sh\n$ no\n```\n"

    ((first, second),) = TRANSCRIPT["sessions"](page)
    assert (first.command, first.shown) == ("one \\\n    more", ("out", "..."))
    assert (second.command, second.shown) == ("two", ())


def test_lines_before_a_command_are_what_the_last_one_prints_next() -> None:
    page = "```console\n$ one --watch\nout\n```\n```console\nmore\n$ two\n```\n"

    _, (more, two) = TRANSCRIPT["sessions"](page)
    assert (more.command, more.shown) == ("", ("more",))
    assert two.command == "two"


def test_a_change_of_a_file_is_made_where_its_lines_stand_once(tmp_path: Path) -> None:
    page = "```diff\n--- Makefile\n a:\n-\tone\n+\ttwo\n--- events/x.json\n+{}\n```\n"
    ((edit, other),) = TRANSCRIPT["blocks"](page)
    assert (edit.path, edit.before, edit.after) == ("Makefile", ("a:", "\tone"), ("a:", "\ttwo"))
    assert (other.path, other.before, other.after) == ("events/x.json", (), ("{}",))

    folder = TRANSCRIPT["Folder"](tmp_path)
    (tmp_path / "Makefile").write_text("a:\n\tone\nb:\n\tone\n")
    folder.apply([edit])
    assert (tmp_path / "Makefile").read_text() == "a:\n\ttwo\nb:\n\tone\n"
    with pytest.raises(ValueError, match="Makefile does not hold exactly once"):
        folder.apply([edit])


@pytest.mark.parametrize(
    ("shown", "printed", "agreed"),
    [
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "d"], True),
        (["a", "..."], ["b"], False),
        (["5.1 ms"], ["17.3 ms"], True),
        (["time        9.1 ms: load 1.0"], ["time        8.0 ms: load 2.5, commit 1.1"], True),
        (["16 bytes"], ["17 bytes"], False),
        (['"total": 1.5'], ['"total": 20'], True),
    ],
)
def test_times_and_ids_may_differ_and_nothing_else(
    shown: list[str], printed: list[str], agreed: bool
) -> None:
    assert TRANSCRIPT["agrees"](shown, printed) is agreed
