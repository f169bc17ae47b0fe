"""`functions completion SHELL`: print what makes a shell complete commands, names, options and files.

The printed scripts know nothing: at every TAB they ask this command with `--words`, which looks at the
arguments as the commands declare them, so that no script goes stale. Names of functions and models are
those of their files; nothing is parsed.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from functions.cli.console import Console
from functions.settings import read_settings

Kind = Literal["words", "files", "folders"]

_EPILOG = """examples:
  eval "$(functions completion bash)"           # in ~/.bashrc
  eval "$(command functions completion zsh)"    # in ~/.zshrc, after compinit
  command functions completion fish > ~/.config/fish/completions/functions.fish

In zsh and fish `functions` is also a command of the shell itself, which comes first:
type a path there, such as .venv/bin/functions, or `command functions`.
"""

_BASH = """_functions_complete() {
    local kind word current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]/#\\~/$HOME}
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    [[ $current == = ]] && current=
    COMPREPLY=()
    {
        IFS= read -r kind
        case $kind in
            words) while IFS= read -r word; do COMPREPLY+=("$word"); done ;;
            files)
                compopt -o filenames 2>/dev/null
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current") ;;
            folders)
                compopt -o filenames 2>/dev/null
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current") ;;
        esac
    } < <("$program" completion bash --words "${words[@]/#/=}" 2>/dev/null)
}
complete -F _functions_complete functions
"""

_ZSH = """#compdef functions
_functions_complete() {
    local program=${words[1]/#\\~\\//$HOME/}
    local -a answer typed
    typed=("${(@)words[2,CURRENT]}")
    answer=("${(@f)$(command "$program" completion zsh --words "${(@)typed/#/=}" 2>/dev/null)}")
    compset -P '--*='
    case $answer[1] in
        words) shift answer; compadd -a answer ;;
        files) _files ;;
        folders) _files -/ ;;
    esac
}
compdef _functions_complete functions
"""

_FISH = """function __functions_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $typed[1])
    set -e typed[1]
    command -q $program; or return
    # What is completed is the whole word, with the option before an equals sign.
    set -l option (string match -r '^--[^=]+=' -- $current)
    set -l value (string replace -r '^--[^=]+=' '' -- $current)
    set -l answer (command $program completion fish --words "="$typed "=$current" 2>/dev/null)
    switch "$answer[1]"
        case words
            set -e answer[1]
            set -q answer[1]; and printf '%s\\n' "$option"$answer
        case files
            printf '%s\\n' "$option"(__fish_complete_path "$value")
        case folders
            printf '%s\\n' "$option"(__fish_complete_directories "$value")
    end
end
complete -c functions -f -a '(__functions_complete)'
"""

SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""What each shell is to run."""

_SHARED_FILES: Final = ("contract.yaml", "actions.yaml", "policy.yaml", "experiments.yaml")
_KINDS: Final[Mapping[str, Kind]] = {"FILE": "files", "FOLDER": "folders"}


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand at a place of a command line.

    Attributes:
        kind: `files` and `folders` are completed by the shell itself.
        words: The words, whole; those that begin with what was typed.
    """

    kind: Kind
    words: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="shell to print the script of")
    parser.add_argument(
        "--words",
        nargs="*",
        metavar="=WORD",
        help="for the scripts: print what may stand in the place of the last of these words",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    if arguments.words is None:
        console.out(SCRIPTS[arguments.shell].rstrip())
        return 0
    # The sign before each word keeps argparse from taking it for an option of this command.
    words = [word.removeprefix("=") for word in arguments.words]
    found = complete(words, console.environment)
    console.out(found.kind)
    for word in found.words:
        console.out(word)
    return 0


def complete(words: Sequence[str], environment: Mapping[str, str]) -> Completion:
    """Return what may stand in the place of the last word; the words before it are taken as they are."""
    from functions.cli.main import COMMANDS

    *before, current = _joined(words) or [""]
    parser = _Recorder()
    if not before:
        options = ("--help", "--version")
        return _words((*COMMANDS, *(options if current.startswith("-") else ())), current)
    if before[0] not in COMMANDS:
        return Completion("words")
    importlib.import_module(f"functions.cli.{before[0]}").add_arguments(parser)
    return _Place(parser, environment).after(before[1:], current)


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words with `--option=value` as two: bash hands over three, the other shells one."""
    found: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if word == "=" and found and found[-1].startswith("--"):
            continue
        found.extend([option, value] if equals and option.startswith("--") else [word])
    return [*found, ""] if list(words[-1:]) == ["="] else found


class _Recorder(argparse.ArgumentParser):
    """A parser that parses nothing, and says what it was told to parse."""

    def __init__(self, **_: object) -> None:
        super().__init__()

    @property
    def declared(self) -> list[argparse.Action]:
        """Every argument, in the order of declaration."""
        return self._actions


class _Place:
    """A place on a command line: the arguments that may stand there."""

    def __init__(self, parser: _Recorder, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._enter(parser)

    def _enter(self, parser: _Recorder) -> None:
        self._options = {name: action for action in parser.declared for name in action.option_strings}
        self._positionals = [action for action in parser.declared if not action.option_strings]

    def after(self, before: Sequence[str], current: str) -> Completion:
        """Return what may follow the words of a command."""
        waiting: argparse.Action | None = None
        only_positionals = False
        for word in before:
            if waiting is not None:
                waiting = None
            elif word == "--":
                only_positionals = True
            elif word.startswith("-") and word != "-" and not only_positionals:
                action = self._options.get(word)
                waiting = action if action is not None and action.nargs != 0 else None
            else:
                self._take(word)
        if waiting is not None:
            return self._values(waiting, current)
        if current.startswith("-") and not only_positionals:
            return _words(self._options, current)
        return self._values(self._positionals[0], current) if self._positionals else Completion("words")

    def _take(self, word: str) -> None:
        if not self._positionals:
            return
        action = self._positionals[0]
        inner = action.choices.get(word) if isinstance(action.choices, dict) else None
        if isinstance(inner, _Recorder):
            self._enter(inner)
        elif action.nargs not in ("*", "+"):
            del self._positionals[0]

    def _values(self, action: argparse.Action, current: str) -> Completion:
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        if action.choices is not None:
            return _words(action.choices, current)
        if metavar in _KINDS:
            return Completion(_KINDS[metavar])
        settings = read_settings(self._environment)
        if metavar == "NAME":
            return _words(function_names(settings.specs), current)
        if metavar == "MODEL":
            return _words((path.parent.name for path in settings.models.glob("*/model.json")), current)
        return Completion("words")


def function_names(folder: Path) -> Iterator[str]:
    """Yield what the spec files of a folder are called; by convention that is the function's name."""
    # The rule of `functions.spec.loading.spec_files`, whose import takes longer than a TAB may.
    for path in folder.glob("*.y*ml"):
        stem, _, ending = path.name.rpartition(".")
        if ending in ("yaml", "yml") and path.name not in _SHARED_FILES and not stem.endswith(".cases"):
            yield stem


def _words(words: Iterable[str], current: str) -> Completion:
    return Completion("words", tuple(sorted({word for word in words if word.startswith(current)})))
