"""A small valid folder of specs, and ways to break it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.spec.loading import SpecFolder, load_folder
from functions.spec.problems import Problem

CONTRACT = """\
purposes:
  retention: { consent: marketing, may_read: [transactional, derived] }
  support: { consent: service }
profile:
  orders: { label: transactional }
  at: { label: transactional }
"""

ACTIONS = """\
channels:
  offers: { kind: file, path: offers.jsonl }
actions:
  offer-20:
    channel: offers
    eligible: features.frequency >= `1`
    payload: { template: retention, risk: { from: risk } }
  call:
    channel: offers
"""

SPEC = """\
version: 1
name: churn
owner: team
description: Scores.
trigger:
  event_pattern:
    detail-type: [page_view]
  max_age: 30s
purpose: retention
features:
  frequency:
    from: profile.orders.count
    type: int
    missing: 0
model:
  kind: http
  url: https://models.example.com/churn
  response: { risk: score }
  range: { risk: [0, 1] }
  timeout: 1s
  fallback: [{ risk: 0.5 }]
write_back:
  scores.risk: { from: risk, expires_after: 1d }
decide:
  when: risk >= `0.6`
  actions: [offer-20, call]
"""

MakeFolder = Callable[..., Path]
Check = Callable[..., list[Problem]]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Write a folder: the valid one, with files replaced, added, or left out (None)."""

    def make(files: dict[str, str | bytes | None] | None = None) -> Path:
        texts: dict[str, str | bytes | None] = {
            "contract.yaml": CONTRACT,
            "actions.yaml": ACTIONS,
            "churn.yaml": SPEC,
            **(files or {}),
        }
        for name, text in texts.items():
            if isinstance(text, bytes):
                (tmp_path / name).write_bytes(text)
            elif text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return make


@pytest.fixture
def check(make_folder: MakeFolder) -> Check:
    """Return the problems of the valid folder after replacements of text: (old, new) in one file."""

    def run(*replacements: tuple[str, str], file: str = "churn.yaml") -> list[Problem]:
        texts = {"churn.yaml": SPEC, "actions.yaml": ACTIONS, "contract.yaml": CONTRACT}
        text = texts[file]
        for old, new in replacements:
            assert old in text, f"{old!r} is not in {file}"
            text = text.replace(old, new, 1)
        return list(load_folder(make_folder({file: text})).problems)

    return run


@pytest.fixture
def load(make_folder: MakeFolder) -> Callable[..., SpecFolder]:
    """Load the valid folder with files replaced."""

    def run(files: dict[str, str | bytes | None] | None = None) -> SpecFolder:
        return load_folder(make_folder(files))

    return run


@pytest.fixture
def spec_text() -> str:
    """The valid spec."""
    return SPEC


@pytest.fixture
def contract_text() -> str:
    """The valid contract."""
    return CONTRACT
