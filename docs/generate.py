"""Write the reference pages from what they are about: `python docs/generate.py`.

The models of the language, the library of functions, the settings, the errors, the commands and the
import graph are the only sources, so that no page can say anything else than the code does.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import functions
from functions.cli.main import COMMANDS
from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.decision.sentences import sentence as said
from functions.documents import Json
from functions.errors import every_error
from functions.expressions import FUNCTION_REFERENCE
from functions.handlers.settings import HANDLER_KEYS, HANDLER_SETTINGS
from functions.settings import SECRET_PREFIX, SETTINGS
from functions.spec.loading import load_policy
from functions.spec.policy import SIGNS
from functions.spec.problem_codes import PROBLEM_CODES
from functions.spec.schema import Kind, json_schema

FOLDER = Path(__file__).parent
ROOMS_BEGIN, ROOMS_END = "<!-- rooms: generated -->", "<!-- /rooms -->"

_MADE = "<!-- Made by docs/generate.py; edit what it reads instead. -->\n"
_KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "spec": ("The spec", "One YAML file for each function, in the folder of specs."),
    "actions": ("The action registry", "`actions.yaml`, beside the specs and shared by all of them."),
    "experiments": (
        "The experiments",
        "`experiments.yaml`, beside the specs; without it everybody is in the optimised group.",
    ),
    "contract": ("The data contract", "`contract.yaml`, beside the specs and shared by all of them."),
    "cases": ("The cases", "`NAME.cases.yaml` beside a spec; `functions test` runs them."),
}


def pages() -> dict[str, str]:
    """Return every generated page by its path below this folder."""
    return {
        "spec-reference.md": "".join(_spec_reference()),
        "policy.md": "".join(_policy()),
        "settings.md": "".join(_settings()),
        "errors.md": "".join(_errors()),
        "commands.md": "".join(_commands()),
        "architecture.md": _with_rooms((FOLDER / "architecture.md").read_text(encoding="utf-8")),
    }


def _spec_reference() -> Iterator[str]:
    yield f"# Spec reference\n\n{_MADE}\n"
    yield (
        "Everything that a spec and the files beside it may say. Keys are closed: a key that does not stand "
        "here is an error, with the closest match as a hint. Editors complete and check the files by the JSON "
        "Schemas that `functions schema --write feature_specs/schema` writes.\n\n"
        "- [The spec](#the-spec)\n- [The action registry](#the-action-registry)\n"
        "- [The experiments](#the-experiments)\n- [The rails](policy.md), on a page of their own\n"
        "- [The data contract](#the-data-contract)\n- [The cases](#the-cases)\n"
        "- [Expressions](#expressions)\n"
    )
    for kind, (title, where) in _KINDS.items():
        schema = json_schema(kind)
        yield f"\n## {title}\n\n{where}\n"
        sections = schema.get("$defs", {})
        yield from _section(schema, None, sections)
        for name, section in sections.items():
            if "properties" in section:
                yield from _section(section, name, sections)
    yield from _expressions()


def _policy() -> Iterator[str]:
    yield f"# The rails\n\n{_MADE}\n"
    yield _POLICY_INTRODUCTION
    schema = json_schema("policy")
    sections, policy = schema["$defs"], load_policy(FOLDER.parent / "feature_specs")
    yield "\n## Rules\n\nA rule is known by its keys. Every rule has a `name`, and may say `because`.\n"
    for sign, model in SIGNS.items():
        section = sections[model.__name__]
        own = {key: field for key, field in section["properties"].items() if key not in ("name", "because")}
        yield f"\n### {_RULE_TITLES[sign]}\n"
        yield from _section({**section, "properties": own}, None, sections)
        kind = model.__name__.removesuffix("Rule") + "Rail"
        rail = next((rail for rail in policy.rails if type(rail).__name__ == kind), None)
        if rail is not None:
            yield f"\n`{rail.name}` of the samples: *{said(rail)}*\n"
    yield from _section(sections["NamedActions"], "NamedActions", sections)


_POLICY_INTRODUCTION: Final = (
    "`policy.yaml` stands beside the specs and holds for all of them: the marketer's rules about actions. "
    "Whatever a model says or a ranking prefers, an action that a rule forbids does not happen.\n\n"
    "- A rule can only take actions away. There is no rule that allows, and no order: every rule counts, and a "
    "receipt lists each that took an action away. Doing nothing is always allowed.\n"
    "- What a rule can't judge is *unknown*, and unknown is no: a missing consent record, a time zone that nobody "
    "knows, an expression that is null or fails. The receipt says `rail.unknown` instead of `rail.blocked`, "
    "and the metric `RailUnknown`, which the dashboard shows, counts such decisions.\n"
    "- A rule speaks about actions by their tags (`forbid: discount`, or a list), about `all`, or about some by "
    "name (`forbid: {actions: [retention-offer-20]}`).\n"
    "- Rules are asked before the model (with `score: when-actionable` no model is called when they leave "
    "nothing), again when the decision is committed, and again when an action leaves later than that.\n"
    "- An action counts towards caps from the moment it is reserved, with the tags it had then, until it turns out "
    "that it never left. Then it gives back its place, and the money it took. One that leaves later than it was "
    "decided counts from when it left.\n"
    "- `subject_to_caps: false` of an action spares it caps, suppressions and exclusion groups; "
    "`counts_towards_caps: false` keeps them from counting it.\n"
    "- Time is that of the decision. A rolling window looks back from every moment; a day, a week or a month is that "
    "of the wall clock in the zone that is named, also on the days when clocks change.\n"
    "- A budget is exact, however many customers are served at once. A changed limit counts at once, for the window "
    "that runs: what was spent stays spent, a lower limit never pays more than it leaves, a higher one adds.\n"
    "- `functions validate` finds tags, actions, zones and consents that do not exist, caps that can never bind, "
    "and actions that can never pass, also for what several rules forbid together: periods without a common time, "
    "quiet hours that cover the day, conditions that exclude each other. `functions explain --policy` says every "
    "rule in plain English.\n"
    "- `functions policy publish` brings changed rules to the functions that run, [without a deployment]"
    "(deploy.md#change-the-policy-without-a-deployment).\n"
)
_RULE_TITLES: Final = {
    "cap": "Frequency cap",
    "budget": "Budget",
    "suppress": "Suppression after too much",
    "only_one_of": "Exclusion group",
    "valid": "Validity period",
    "unless_consent": "Consent",
    "between": "Quiet hours",
    "listed": "Suppression list",
    "risk_over": "Risk ceiling",
    "unless": "Eligibility",
    "for": "Cooldown",
}


def _section(schema: Json, name: str | None, sections: Json) -> Iterator[str]:
    if name is not None:
        yield f"\n### {name}\n"
    yield f"\n{schema.get('description', '')}\n"
    yield "\n| key | value | default | meaning |\n|---|---|---|---|\n"
    required = schema.get("required", [])
    for key, field in schema["properties"].items():
        default = "**required**" if key in required else _default(field)
        meaning = field.get("description") or sections.get(_target(field), {}).get("description", "")
        yield _row(f"`{key}`", _type(field), default, meaning)


def _target(field: Json) -> str:
    """Return the section that a field refers to; empty when it refers to none."""
    return str(field.get("$ref", "")).rpartition("/")[2]


def _default(field: Json) -> str:
    value = field.get("default")
    return "" if value is None or value in ({}, []) or isinstance(value, dict) else f"`{json.dumps(value)}`"


def _type(field: Json) -> str:
    """Name the type of a schema: words for people, links for sections."""
    if "$ref" in field:
        name = _target(field)
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in field:
            return " or ".join(dict.fromkeys(_type(one) for one in field[choice]))
    if "examples" in field:
        return "such as " + ", ".join(f"`{value}`" for value in field["examples"])
    if field.get("format") == "jmespath":
        return "expression"
    return _plain_type(field)


def _plain_type(field: Json) -> str:
    kind = field.get("type")
    if isinstance(kind, list):
        every = len(kind) == 4
        return "any scalar" if every else " or ".join(_plain_type({"type": one}) for one in kind)
    if kind == "array":
        return f"list of {_type(field.get('items', {}))}"
    if kind == "object":
        inner: Json = field.get("additionalProperties") or next(
            iter(field.get("patternProperties", {}).values()), {}
        )
        return f"name to {_type(inner if isinstance(inner, dict) else {})}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null"}
    return words.get(str(kind), str(kind) if kind else "any value")


def _expressions() -> Iterator[str]:
    yield (
        "\n## Expressions\n\nWherever the tables say *expression* stands [JMESPath](https://jmespath.org) with "
        "these functions besides its own. Features see the time of the event as `now`, never the clock of "
        "the machine. The examples hold at 2026-11-02 09:00 UTC.\n\n"
        "| function | what it gives | example | result |\n|---|---|---|---|\n"
    )
    for name in sorted(FUNCTION_REFERENCE):
        function = FUNCTION_REFERENCE[name]
        result = json.dumps(function.result, ensure_ascii=False)
        yield _row(f"`{function.signature}`", function.summary, f"`{function.example}`", f"`{result}`")


def _settings() -> Iterator[str]:
    yield f"# Settings\n\n{_MADE}\n"
    yield (
        "Settings are environment variables. `functions settings` lists them with their values; passwords in "
        "addresses are not shown.\n\n| variable | default | meaning |\n|---|---|---|\n"
    )
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        yield _row(f"`{setting.variable}`", default, setting.description)
    yield _row(
        f"`{SECRET_PREFIX}NAME`",
        "",
        "The value of a spec's `{secret: NAME}`: the name in upper case, every other sign as `_`. Never shown.",
    )
    yield "\n## Of Lambda functions alone\n\n| variable | default | meaning |\n|---|---|---|\n"
    for setting in HANDLER_SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        yield _row(f"`{setting.variable}`", default, setting.description)
    for variable, meaning in HANDLER_KEYS.items():
        yield _row(f"`{variable}`", "", f"{meaning} Never shown.")
    yield (
        "\nThe variables of the AWS SDK work as everywhere: region, credentials, profile, and the addresses "
        "of endpoints.\n"
    )


def _errors() -> Iterator[str]:
    yield f"# Errors and reasons\n\n{_MADE}\n"
    yield (
        "Codes are stable: programs may rely on them. Messages say where, what and what to do; they never hold "
        "a value of an event, a profile or a reply.\n\n- [Reasons](#reasons) of receipts\n- [Errors](#errors) "
        "of receipts and commands\n- [Problems of specs](#problems-of-specs), as `functions validate` prints "
        "them\n\n## Reasons\n\n"
        "Every receipt gives one, as a code and a sentence. Beside these, `reason.code` can be the code of "
        "an [error](#errors): then the outcome is `rejected` or `failed`.\n\n"
        "| code | sentence |\n|---|---|\n"
    )
    for code, text in REASONS.items():
        if code != "consent":
            yield _row(f"`{code}`", text.replace("{", "*").replace("}", "*"))
    for verdict, words in CONSENT_SENTENCES.items():
        text = REASONS["consent"].replace("{sentence}", words)
        yield _row(f"`consent.{verdict}`", text.replace("{", "*").replace("}", "*"))
    yield (
        "\n## Errors\n\n*Who acts*: the author of a spec, the operator of the service, or the sender of an "
        "event. *Again*: whether the same call can succeed later without a change.\n\n"
        "| code | meaning | who acts | again |\n|---|---|---|---|\n"
    )
    _import_everything()
    for error in sorted({found.code: found for found in _public_errors()}.values(), key=lambda one: one.code):
        meaning = " ".join((error.__doc__ or "").partition("\n\n")[0].split())
        yield _row(f"`{error.code}`", meaning, error.who, "yes" if error.retryable else "")
    yield (
        "\n## Problems of specs\n\nWhat `functions validate` finds in a folder of specs: everything at once, "
        "each with its file, line and column, and mostly with a hint. Some are warnings, which don't stop a "
        "build.\n\n| code | meaning | what to do |\n|---|---|---|\n"
    )
    for code, known in PROBLEM_CODES.items():
        yield _row(f"`{code}`", known.meaning, known.remedy)


def _public_errors() -> Iterator[Any]:
    """Yield every class with a code of its own; a class that inherits its code is told by its parent."""
    yield from (error for error in every_error() if "code" in vars(error) and error.code != "internal")


def _import_everything() -> None:
    """Import every module, since an error stands in the tree only when its module is loaded."""
    for module in pkgutil.walk_packages(functions.__path__, "functions."):
        if module.name.startswith("functions.handlers"):
            continue  # entry modules may have effects
        importlib.import_module(module.name)


class _Recorder:
    """Stands in for a parser, and keeps what a command declares."""

    def __init__(self) -> None:
        self.arguments: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.actions: dict[str, tuple[str, _Recorder]] = {}
        self.epilog = ""

    def add_argument(self, *names: str, **options: Any) -> None:
        self.arguments.append((names, options))

    def add_subparsers(self, **_: Any) -> _Recorder:
        return self

    def add_parser(self, name: str, *, help: str, **_: Any) -> _Recorder:  # noqa: A002 - argparse's own name
        recorder = _Recorder()
        self.actions[name] = (help, recorder)
        return recorder


def _commands() -> Iterator[str]:
    yield f"# Commands\n\n{_MADE}\n"
    yield (
        "`functions COMMAND --help` says the same. Standard output is the result, standard error the "
        "diagnosis.\n\n| exit code | meaning |\n|---|---|\n| 0 | fine |\n"
        "| 1 | problems were found, or an event was rejected or failed |\n| 2 | wrong usage |\n"
        "| 3 | wrong environment: a setting, a file, a store |\n"
    )
    for name, text in COMMANDS.items():
        recorder = _Recorder()
        importlib.import_module(f"functions.cli.{name}").add_arguments(recorder)
        yield f"\n## functions {name}\n\n{text[0].upper()}{text[1:]}.\n"
        yield from _arguments(recorder)
        for action, (help_text, inner) in recorder.actions.items():
            yield f"\n### functions {name} {action}\n\n{help_text[0].upper()}{help_text[1:]}.\n"
            yield from _arguments(inner)
        if recorder.epilog:
            yield f"\n```text\n{recorder.epilog.rstrip()}\n```\n"


def _arguments(recorder: _Recorder) -> Iterator[str]:
    if recorder.arguments:
        yield "\n| argument | meaning |\n|---|---|\n"
    for names, options in recorder.arguments:
        metavar = options.get("metavar") or "|".join(options.get("choices") or ())
        shown = metavar if not names[0].startswith("-") else " ".join(filter(None, (names[-1], metavar)))
        yield _row(f"`{shown or names[0]}`", options.get("help", "").replace("%%", "%"))


def _with_rooms(page: str) -> str:
    """Return a page with the picture between its marks drawn anew."""
    before, _, rest = page.partition(ROOMS_BEGIN)
    _, _, after = rest.partition(ROOMS_END)
    return f"{before}{ROOMS_BEGIN}\n{_picture(_room_imports())}{ROOMS_END}{after}"


def _picture(knows: Mapping[str, set[str]]) -> str:
    lines = [f"    {room} --> {other}" for room in sorted(knows) for other in sorted(_direct(room, knows))]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


def _room_imports() -> dict[str, set[str]]:
    """Return which room imports which, by the real imports; lazy ones count, those for types do not."""
    import grimp

    graph = grimp.build_graph("functions", exclude_type_checking_imports=True, cache_dir=None)
    rooms = graph.find_children("functions") - {"functions.__main__"}
    for room in rooms:
        graph.squash_module(room)
    return {
        room.rpartition(".")[2]: {
            known.rpartition(".")[2] for known in graph.find_modules_directly_imported_by(room) & rooms
        }
        for room in rooms
    }


def _direct(room: str, knows: Mapping[str, set[str]]) -> set[str]:
    """Return the rooms that a room knows and that none of those already knows: the picture stays readable."""
    return knows[room] - {far for near in knows[room] for far in _reach(near, knows)}


def _reach(room: str, knows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        for other in knows[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: Iterable[str]) -> int:
    """Write the pages, or with `--check` only say which would change."""
    check, changed = "--check" in arguments, []
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            changed.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in changed))
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
