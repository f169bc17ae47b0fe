"""What is printed is not obeyed by a terminal, and means the same as before."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.console import Console, printable

Command = Callable[..., CompletedProcess[str]]
HOSTILE = "\x1b]0;title\x07 \x9b2J \x7f \u202egnp.exe \ud800 \udcff \rover"


def test_nothing_that_a_terminal_obeys_is_printed_as_it_is() -> None:
    shown = printable(HOSTILE + "\ttab\nline\r\n")
    assert shown == (
        "\\u001b]0;title\\u0007 \\u009b2J \\u007f \\u202egnp.exe \\ud800 \\udcff \\u000dover\ttab\nline\r\n"
    )


def test_a_document_means_the_same_after_it_was_made_printable() -> None:
    text = json.dumps({"id": HOSTILE}, ensure_ascii=False)
    assert printable(text) != text
    assert json.loads(printable(text)) == {"id": HOSTILE}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown"), [(_Terminal, "\x1b[1;31mred\x1b[0m"), (io.StringIO, "red")])
def test_our_own_colours_stay_and_no_others(stream: type[io.StringIO], shown: str) -> None:
    out = stream()
    console = Console(io.StringIO(), out, io.StringIO(), {})
    console.out(console.paint("red", "bold", "red") + " \x1b[8mhidden")
    assert out.getvalue() == f"{shown} \\u001b[8mhidden\n"


def test_an_id_that_no_event_can_bring_is_refused(functions: Command, tmp_path: Path) -> None:
    put = functions("profile", "put", "a\x1b[2J", "--consent", "marketing=denied")
    line = functions("profile", "import", "-", stdin=json.dumps({"id": "a\nb", "profile": {}}))
    marked = functions(
        "suppress", "add", "calls", "a\tb", environment={"FUNCTIONS_SECRET_SUPPRESSION_KEY": "k" * 16}
    )

    assert (put.returncode, line.returncode, marked.returncode) == (1, 1, 1)
    for done in (put, line, marked):
        assert "an id has 1 to 256 characters without controls" in done.stderr
    assert not (tmp_path / "store.db").exists()


def test_a_name_of_bytes_that_are_no_text_is_wrong_usage(functions: Command, project: Path) -> None:
    event = project / "events" / "cancellation-page.json"
    for arguments in (("explain", "\udcff"), ("invoke", "\udcff", "--event", str(event))):
        done = functions(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error[usage.invalid] an argument holds bytes that are no UTF-8 text\n"


@pytest.mark.parametrize("target", ["/dev/null", "/dev/null/below"])
def test_a_folder_that_can_not_be_made_ends_with_three(functions: Command, target: str) -> None:
    done = functions("build", "--output", target)
    assert done.returncode == 3
    assert done.stderr.startswith(f"error[system.refused] {target}: ")
