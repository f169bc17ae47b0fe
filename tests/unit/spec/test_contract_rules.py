"""The data contract: what its parts promise each other, and what breaks when it forbids more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.spec.loading import SpecFolder, load_folder

ROOT = Path(__file__).parents[3]
PURPOSES = "purposes: { retention: { consent: marketing, may_read: [transactional, derived] } }\n"

Load = Callable[..., SpecFolder]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("profile: { '*': { label: behavioral } }\n", "contract.catch_all", (2, 12)),
        ("profile: { '*.*': { label: behavioral } }\n", "contract.catch_all", (2, 12)),
        (
            "profile:\n  a.*: { label: sensitive }\n  '*.b': { label: behavioral }\n",
            "contract.overlap",
            (4, 3),
        ),
        (
            "profile:\n  a[].b: { label: sensitive }\n  a.b: { label: sensitive }\n",
            "contract.overlap",
            (4, 3),
        ),
        ("profile: { a: { label: derived, purposes: [retenton] } }\n", "contract.unknown_purpose", (2, 44)),
        ("profile: { 'a b': { label: derived } }\n", "spec.wrong_value", (2, 12)),
        ("profile: { a: { label: sensitiv } }\n", "spec.wrong_value", (2, 24)),
        ("profile: { a: sensitive }\n", "spec.wrong_type", (2, 15)),
        ("detector: { on_hit: explode }\n", "spec.wrong_value", (2, 21)),
    ],
)
def test_a_fault_of_the_contract_is_shown_at_its_place(
    load: Load, text: str, code: str, place: tuple[int, int]
) -> None:
    found = list(load({"contract.yaml": PURPOSES + text}).problems)
    assert [(problem.code, (problem.line, problem.column)) for problem in found] == [(code, place)]


def test_decisions_are_kept_as_long_as_queues_keep_events(load: Load) -> None:
    text = PURPOSES.replace("derived] }", "derived], retention: { decisions: 29d } }")
    assert [problem.code for problem in load({"contract.yaml": text}).problems] == ["contract.retention"]


def test_a_contract_that_forbids_more_lists_everything_that_breaks_by_spec(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "feature_specs", tmp_path / "specs")
    path = tmp_path / "specs" / "contract.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("behavioral, transactional, derived]", "derived]").replace(
            "may_read: [behavioral, derived]", "may_read: [derived]"
        ),
        encoding="utf-8",
    )
    errors = load_folder(tmp_path / "specs").errors
    assert {problem.code for problem in errors} == {"governance.not_allowed"}
    broken = [Path(problem.file).name for problem in errors]
    assert set(broken) == {"footwear-offer.yaml", "saas-account-health.yaml", "watch-next.yaml"}
    # One for each feature and all features at once, and one for what fires it.
    assert broken.count("footwear-offer.yaml") == 7
    assert broken.count("saas-account-health.yaml") == 7
