"""Which function lives in which stack.

A function must stay where it is: moving it means that one stack deletes its queue while another makes a new
one. So its place depends on its own name and the number of stacks, never on its neighbours, and the number
of stacks doubles when one is full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zlib import crc32

from functions.errors import SettingsError
from infra.configuration import Configuration

MAX_RESOURCES: Final = 500
"""Resources of one stack.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html.
"""

ROOM: Final = MAX_RESOURCES - 20
"""What is left for functions: the layer and what CDK adds come first."""

RESOURCES: Final = 18
"""Resources of one function: 17 behind a queue, and one in reserve."""

RESOURCES_OF_URL: Final = 8
"""What a URL adds: 7, and one in reserve."""

RESOURCES_OF_SNAPSHOT: Final = 2
"""What a snapshot adds to a Lambda function: its version and an alias."""

MOST_STACKS: Final = 64


def weight(name: str, configuration: Configuration) -> int:
    """Return how many resources a function can have."""
    url = configuration.options(name).url
    snapshots = (1 + url) * RESOURCES_OF_SNAPSHOT if configuration.snap_start else 0
    return RESOURCES + url * RESOURCES_OF_URL + snapshots


def group(weights: Mapping[str, int], stacks: int = 0) -> dict[int, tuple[str, ...]]:
    """Spread functions over stacks.

    Args:
        weights: Number of resources of each function, by name.
        stacks: How many stacks; 0 for the smallest power of two in which all have room.

    Returns:
        Names by number of the stack, from 1 on; a stack without functions is left out.

    Raises:
        SettingsError: They have no room in so many stacks.
    """
    for count in (stacks,) if stacks else (2**power for power in range(7)):
        groups: dict[int, list[str]] = {}
        for name in sorted(weights):
            groups.setdefault(crc32(name.encode()) % count + 1, []).append(name)
        if all(sum(weights[name] for name in names) <= ROOM for names in groups.values()):
            return {number: tuple(names) for number, names in sorted(groups.items())}
    raise SettingsError(
        f"context value stacks: {len(weights)} functions have no room in {stacks or MOST_STACKS} stacks",
        hint=f"A stack holds {MAX_RESOURCES} resources, and a function is some 17 of them.",
    )
