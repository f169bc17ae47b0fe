"""The pages say what the code says, and every link leads somewhere."""

from __future__ import annotations

import hashlib
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from functions.decision.reasons import Reason
from functions.runtime.receipt import Receipt
from functions.spec.problem_codes import PROBLEM_CODES

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]+\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")

ALLOWED_WITHOUT_MEANING = {
    "`target_variant`", "`target_model`", "`target_container`", "`inference_component`", "`custom_attributes`",
    "`kind`", "`outcome`", "`imputed`", "`rung`", "`write_back`", "`given`", "`expect`", "`cases`",
}  # fmt: skip
"""Names that say it all: those of SageMaker's API, and those of the receipt in a case."""


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    """The names of docs/generate.py."""
    return runpy.run_path(str(DOCS / "generate.py"), run_name="generate")


@pytest.fixture(scope="module")
def generated(generator: dict[str, Any]) -> dict[str, str]:
    """Every generated page, made now."""
    pages: dict[str, str] = generator["pages"]()
    return pages


@pytest.mark.parametrize(
    "name", ["spec-reference.md", "policy.md", "settings.md", "errors.md", "commands.md", "architecture.md"]
)
def test_a_generated_page_is_committed_as_it_is_made(generated: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text() == generated[name], "run: python docs/generate.py"


def test_every_generated_page_is_compared(generated: dict[str, str]) -> None:
    assert len(generated) == 6


def test_every_key_of_the_language_has_a_meaning(generated: dict[str, str]) -> None:
    rows = [line for line in generated["spec-reference.md"].splitlines() if line.startswith("| `")]
    without = [row.split("|")[1].strip() for row in rows if not row.split("|")[-2].strip()]

    assert len(rows) > 100
    assert set(without) <= ALLOWED_WITHOUT_MEANING


def test_every_problem_code_that_is_written_stands_in_the_table_and_no_other() -> None:
    scan = runpy.run_path(str(ROOT / "tests" / "hardening" / "test_problem_codes.py"), run_name="scan")

    assert sorted(PROBLEM_CODES) == sorted(scan["_written"]() - scan["NO_CODES"])


def test_the_picture_knows_every_room_and_the_page_explains_each(generator: dict[str, Any]) -> None:
    rooms = set(generator["_room_imports"]())
    explained = set(re.findall(r"`([a-z]+)`", "".join(_first_cells((DOCS / "architecture.md").read_text()))))

    assert rooms - explained == set()


def _first_cells(page: str) -> list[str]:
    return [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]


def test_the_picture_leaves_out_what_other_arrows_say(generator: dict[str, Any]) -> None:
    knows = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}

    assert generator["_direct"]("a", knows) == {"b"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, anchor


def test_the_receipt_page_explains_exactly_the_fields_of_a_receipt() -> None:
    document = Receipt("f", "duplicate", Reason("c", "t")).as_document()
    failed = Receipt("f", "failed", Reason("c", "t"), generation=1).as_document()
    page = (DOCS / "receipt.md").read_text()
    fields = page.partition("## Fields")[2].partition("## Outcomes")[0]

    assert {cell.strip(" `") for cell in _first_cells(fields)} == set(document) | set(failed)


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_the_apache_licence_word_for_word() -> None:
    # https://www.apache.org/licenses/LICENSE-2.0.txt
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()

    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
