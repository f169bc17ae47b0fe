"""`functions report`: static pages for the privacy review."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console, counted
from functions.cli.progress import through
from functions.errors import SettingsError

if TYPE_CHECKING:
    from functions.spec.loading import SpecFolder

_EPILOG = """One page for each function and an index: what fires it, what it reads, what
leaves to whom under which purpose, what may happen, how long it is kept, and every
exception. The pages need no network and no scripts, and are the same for the same
files, so that two versions can be compared.

examples:
  functions report
  functions report --to review/2026-11
"""

DEFAULT_FOLDER = Path("build/report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--to",
        type=Path,
        default=DEFAULT_FOLDER,
        metavar="FOLDER",
        help=f"where to write; default {DEFAULT_FOLDER}",
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.loading import load_folder

    specs = load_folder(specs_folder(console), each=through(console, "spec"))
    written = write_report(specs, arguments.to, each=through(console, "page"))
    if arguments.json:
        console.json([str(path) for path in written])
        return 0
    console.out(f"{counted(len(written), 'page')} written; begin with {written[0]}")
    return 0


def write_report(
    specs: SpecFolder, folder: Path, *, each: Callable[[Collection[str]], Iterable[str]] = iter
) -> list[Path]:
    """Write the index and the page of every function.

    Args:
        specs: The functions.
        folder: Where to write; it is made when it is not there.
        each: Hands out the names of the functions one by one, and may tell how far it is.

    Returns:
        The files, the index first.

    Raises:
        SpecError: A spec, or a file they share, has errors.
        SettingsError: The folder can't be written.
    """
    from functions.cli.review import INDEX, function_page, index_page
    from functions.spec.problems import SpecError

    if specs.errors or specs.contract is None or specs.registry is None:
        raise SpecError(specs.errors)
    pages = {INDEX: index_page(specs.plans, specs.contract)}
    for name in each(sorted(specs.plans)):
        pages[f"{name}.html"] = function_page(specs.plans[name], specs.contract, specs.registry)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{folder}: the pages can't be written ({error.strerror})") from None
    return [folder / name for name in pages]
