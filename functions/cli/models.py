"""`functions models`: which models there are, and what their cards and metrics say."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import add_json, unreadable
from functions.cli.console import Console
from functions.documents import DocumentError, Json, parse_json
from functions.errors import SettingsError
from functions.settings import read_settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

CARD_FILE, METRICS_FILE = "card.md", "metrics.json"
MAX_CARD_BYTES: Final = 1_048_576

_EXIT_USAGE = 2
_EPILOG = """A model is a folder of FUNCTIONS_MODELS with a model.json. Its card says what it
answers, what it was trained on, how good it is and what it must not be used for.

examples:
  functions models
  functions models card churn-risk
  functions models card churn-risk --json
"""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What the list says about a model.

    Attributes:
        name: The endpoint's name: that of the folder.
        version: Told apart from other trainings of the same model.
        kind: What sort of model it is, such as `logistic-regression`.
        features: The names of its features, in the order of a row.
    """

    name: str
    version: str
    kind: str
    features: tuple[str, ...]

    def as_document(self) -> dict[str, Json]:
        """Return the model as JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "features": list(self.features),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    add_json(parser)
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", metavar="ACTION"
    )
    card = actions.add_parser("card", help="print a model's card")
    card.add_argument("model", metavar="MODEL", help="name of the model")
    card.add_argument(
        "--json",
        action="store_true",
        # What stands before `card` counts too; a default here would undo it.
        default=argparse.SUPPRESS,
        help="print version, features and metrics as JSON instead",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    folder = read_settings(console.environment).models
    models = list_models(folder)
    if arguments.action == "card":
        return _card(arguments, folder, models, console)
    if arguments.json:
        console.json([model.as_document() for model in models.values()])
        return 0
    for model in models.values():
        console.out(f"{console.paint(model.name, 'bold')}  {model.version}  {model.kind}")
        console.out(f"    {', '.join(model.features)}")
    return 0


def list_models(folder: Path) -> dict[str, ListedModel]:
    """Return every model of a folder by its name, sorted.

    Raises:
        SettingsError: The folder holds no model, or one is malformed; all problems are listed.
    """
    from functions.endpoint.artefact import ARTEFACT_NAME, MAX_ARTEFACT_BYTES, load_models

    found = {}
    for name in load_models(folder):
        document = _document(folder / name / ARTEFACT_NAME, MAX_ARTEFACT_BYTES)
        features = tuple(str(feature["name"]) for feature in document["features"])
        found[name] = ListedModel(name, document["version"], document["kind"], features)
    return found


def _card(
    arguments: argparse.Namespace, folder: Path, models: dict[str, ListedModel], console: Console
) -> int:
    from functions.spec.problems import closest

    model = models.get(arguments.model)
    if model is None:
        console.err(f"functions models card: there is no model {arguments.model!r} in {folder}")
        console.err(f"  = {closest(arguments.model, models) or 'functions models lists them'}")
        return _EXIT_USAGE
    if arguments.json:
        path = folder / model.name / METRICS_FILE
        # Not every model was measured: weights that a person wrote down have a card and no metrics.
        metrics = _document(path, MAX_CARD_BYTES) if path.exists() else None
        console.json({**model.as_document(), "metrics": metrics})
        return 0
    path = folder / model.name / CARD_FILE
    if not path.exists():
        raise SettingsError(
            f"the model {model.name} has no card", hint=f"write one as {path}, or see `--json`"
        )
    console.out(_text(path).rstrip())
    return 0


def _document(path: Path, max_bytes: int) -> Json:
    try:
        return parse_json(path.read_bytes(), max_bytes=max_bytes)
    except OSError as error:
        raise unreadable(path, error) from None
    except DocumentError as error:
        raise SettingsError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > MAX_CARD_BYTES:
        raise SettingsError(f"{path}: over {MAX_CARD_BYTES:,} bytes, which is the most that is read")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: no UTF-8 text") from None
