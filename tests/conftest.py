"""Lets the failures of the public conformance suites show their values, and a night be longer."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

if sys.dont_write_bytecode:
    # Containers often forbid bytecode beside the sources. In pytest's own cache it is in nobody's way, and no process
    # compiles all tests anew; that takes longer than to run half of them.
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode = False

pytest.register_assert_rewrite("functions.testing")

NIGHTLY = "nightly"
"""`HYPOTHESIS_PROFILE=nightly pytest -p no:logging tests/hardening/test_canaries.py` tries 100,000 cases."""

STEADY = "steady"
"""By default every run tries the same cases, so that it judges the change and not the luck."""

RANDOM = "random"
"""`HYPOTHESIS_PROFILE=random` tries other cases in every run, as the night does."""

settings.register_profile(NIGHTLY, deadline=None, derandomize=False)
settings.register_profile(STEADY, derandomize=True)
settings.register_profile(RANDOM, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", STEADY))


def pytest_collection_finish() -> None:
    """Leave all that collecting made out of every later search for garbage: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
