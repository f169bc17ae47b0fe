"""A parser of arguments that suggests what was meant, and hides no failure to print."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """The parser of the command line, of each command and of each of its actions."""

    def __init__(self, *positional: Any, **options: Any) -> None:
        options.setdefault("formatter_class", _formatter)
        super().__init__(*positional, **{"allow_abbrev": False, **options})

    def share_examples(self) -> None:
        """Give every action below this parser the examples of it that the epilog has."""
        for action in self._actions:
            inner = action.choices if isinstance(action.choices, dict) else {}
            for name, parser in inner.items():
                begins = f"  functions {self.prog.partition(' ')[2]} {name} "
                lines = [line for line in (self.epilog or "").splitlines() if f"{line} ".startswith(begins)]
                if isinstance(parser, Parser) and lines:
                    parser.epilog = "\n".join(("examples:", *lines, ""))

    def check_options(self, argv: Sequence[str]) -> None:
        """Refuse an option that neither this parser knows nor an action below it that is named, before all else.

        Otherwise its value is taken for something else, and the complaint is about that.
        """
        known = {"-V", "--version", *self.options_on(argv)}
        for word in argv:
            option = word.partition("=")[0]
            if word == "--":
                break
            if word.startswith("--") and " " not in option and option not in known:
                self.error(f"there is no option {option}{closest(option, sorted(known))}")

    def options_on(self, argv: Sequence[str]) -> Iterator[str]:
        """Yield the options of this parser, and of the actions below it that are named."""
        for action in self._actions:
            yield from action.option_strings
            inner = action.choices if isinstance(action.choices, dict) else {}
            for word in argv:
                if isinstance(inner.get(word), Parser):
                    yield from inner[word].options_on(argv)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is not None and value not in choices:
            known = ", ".join(map(str, choices))
            raise argparse.ArgumentError(
                action, f"there is no {value!r}{closest(value, choices)} (one of {known})"
            )

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # The original swallows what goes wrong; a help that could not be printed was no success.
        if message and file is not None:
            file.write(message)


def closest(word: object, known: Iterable[object]) -> str:
    """Return `; did you mean …?` for the closest known word, or nothing when none is close."""
    import difflib

    matches = difflib.get_close_matches(str(word), list(map(str, known)), n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28)
