"""Every alarm has a page, every page has its parts, and every command on it exists."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from functions.cli.console import Console
from functions.cli.main import _parse
from infra.alarm_kinds import KINDS, RUNBOOKS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
PARTS = [
    "What it means",
    "What customers notice",
    "First look",
    "Causes, the likely ones first",
    "How to mend",
    "Sending again",
    "When to switch off",
]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"(?:[A-Z_]+=\S+ )*functions (.+)")
INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )?functions [^`]+)`")


def commands(page: str) -> list[list[str]]:
    """Return the `functions` commands of a page, without the variables before them."""
    lines = [line for block in BLOCK.findall(page) for line in block.replace("\\\n", " ").splitlines()]
    ours = [match[1] for line in [*lines, *INLINE.findall(page)] if (match := OURS.match(line))]
    return [shlex.split(line, comments=True) for line in ours]


def test_every_alarm_has_a_page_and_every_page_an_alarm() -> None:
    assert ROOT / RUNBOOKS == FOLDER
    assert sorted(KINDS) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_all_that_somebody_who_was_woken_asks(name: str) -> None:
    page = (FOLDER / f"{name}.md").read_text()

    assert page.startswith(f"# Alarm: {name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == PARTS
    assert re.search(r"^1\. ", page.partition(f"## {PARTS[3]}")[2], re.MULTILINE)


@pytest.mark.parametrize("page", [*(f"runbooks/{name}.md" for name in PAGES), "operations.md", "deploy.md"])
def test_every_command_of_a_page_parses(page: str) -> None:
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), {})
    for words in commands((ROOT / "docs" / page).read_text()):
        assert _parse(words, console).command == words[0]


def test_pages_name_commands_at_all() -> None:
    found = {words[0] for name in PAGES for words in commands((FOLDER / f"{name}.md").read_text())}

    assert {"tail", "metrics", "replay", "outbox", "decisions", "switch"} <= found
