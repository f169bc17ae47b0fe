"""Lets the failures of the public conformance suites show their values."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("functions.testing")
