"""Lets the failures of the public conformance suites show their values, and a night be longer."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("functions.testing")

NIGHTLY = "nightly"
"""`HYPOTHESIS_PROFILE=nightly pytest -p no:logging tests/hardening/test_canaries.py` tries 100,000 cases."""

settings.register_profile(NIGHTLY, deadline=None, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
