"""The tutorial and the page for marketers: what their words and tables say is what the code knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.governance.consent import ConsentStatus
from functions.runtime.receipt import Outcome

ROOT = Path(__file__).parents[3]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
MARKETERS = (ROOT / "docs" / "for-marketers.md").read_text()


def _section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _first_cells(section: str) -> list[str]:
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]
    return [name.strip("` ") for cell in rows for name in cell.split(",")]


def _fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_steps_of_the_tutorial_are_numbered_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", TUTORIAL, re.MULTILINE)]

    assert numbers == list(range(1, 12))


def test_what_the_tutorial_does_without_a_session_is_what_the_readme_does() -> None:
    (by_hand,) = _fenced((ROOT / "README.md").read_text(), "sh")

    assert [block.strip() in by_hand.splitlines() for block in _fenced(TUTORIAL, "sh")] == [True]


def test_every_line_of_a_receipt_is_explained() -> None:
    shown = {
        label
        for page in (TUTORIAL, MARKETERS, (ROOT / "README.md").read_text())
        for session in _fenced(page, "console")
        for label in re.findall(r"^  ([a-z]+) {2,}\S", session, re.MULTILINE)
    }

    assert len(shown) > 10
    assert shown <= set(_first_cells(_section(MARKETERS, "How to read a receipt")))


def test_every_outcome_is_put_in_plain_words() -> None:
    told = _first_cells(_section(MARKETERS, "What became of it: the outcomes"))

    assert [name.lower().replace(" ", "_") for name in told] == list(get_args(Outcome))


def test_every_state_of_consent_is_put_in_plain_words() -> None:
    told = _first_cells(_section(MARKETERS, "What consent means here"))

    assert sorted(told) == sorted(get_args(ConsentStatus))


def test_every_reason_that_is_told_is_one() -> None:
    told = _first_cells(_section(MARKETERS, "Why: the reasons"))

    assert len(told) > 6
    assert set(told) <= {*REASONS, *(f"consent.{verdict}" for verdict in CONSENT_SENTENCES)}


def test_the_entry_of_the_registry_stands_there() -> None:
    (entry,) = _fenced(MARKETERS, "yaml")

    assert entry in (ROOT / "feature_specs" / "actions.yaml").read_text()
