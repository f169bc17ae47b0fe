"""The AWS of this machine: as its page says it is begun, and gone when the block ends."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from functions.testing.local_aws import LocalAws

ENVIRONMENT = Path(__file__).parents[2] / ".venv-aws"


@pytest.mark.skipif(not ENVIRONMENT.exists(), reason="there is no .venv-aws")
def test_a_relative_path_will_do_and_nothing_is_left() -> None:
    python = Path(os.path.relpath(ENVIRONMENT / "bin" / "python"))
    with LocalAws(python) as aws:
        health = f"{aws.url}/_ministack/health"
        with urlopen(health, timeout=10) as answer:
            assert answer.status == 200
        assert aws.kill("nobody") == []

    with pytest.raises(URLError):
        urlopen(health, timeout=10)
