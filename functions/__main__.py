"""`python -m functions`: the command line, also in shells where `functions` is a word of their own."""

from __future__ import annotations

import sys

from functions.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
