"""Rules about what a function emits: where a score may go, and that nothing emitted fires the function itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from functions.events.emitted import ACTION_DECIDED, PREDICTION_COMPLETE, SCORE_UPDATED, fires_itself
from functions.spec.collecting import Collector
from functions.spec.plan import Plan
from functions.spec.problems import closest
from functions.spec.registry import Registry
from functions.spec.source import Path

NOTICE_ID: Final = "event.anonymous_id"
"""What a message about a score carries of the event, besides the id of the profile."""


def check_notify(collector: Collector, path: Path, name: str, registry: Registry) -> None:
    """Collect what is wrong with the channel that a score goes to."""
    channel = registry.channels.get(name)
    if channel is None:
        hint = closest(name, registry.channels)
        collector.add(path, "spec.unknown_channel", f"there is no channel {name!r}", hint)
    elif channel.kind == "response":
        message = "a score can't be the answer to a page; name a channel of another kind"
        collector.add(path, "spec.channel_mismatch", message)


def check_loops(collector: Collector, plan: Plan) -> bool:
    """Collect where the function would be fired by what it emits itself; say whether there is no such place."""
    found = False
    for channel_name, action, path in _emissions(plan):
        channel = plan.channels.get(channel_name)
        if channel is None:
            continue
        name = str(channel.options.get("detail_type", ACTION_DECIDED))
        if action == SCORE_UPDATED:
            name = PREDICTION_COMPLETE if channel.kind == "tealium" else SCORE_UPDATED
        source = str(channel.options.get("source", "functions"))
        emitted = {
            "function": plan.name,
            "action": action,
            "kind": channel.kind,
            "source": source,
            "name": name,
        }
        if fires_itself(plan.pattern, **emitted):
            message = "what the function emits by this channel would fire it again"
            hint = "let its event pattern leave out that source or detail-type"
            collector.add(path, "spec.own_trigger", message, hint)
            found = True
    return not found


def _emissions(plan: Plan) -> Iterator[tuple[str, str, Path]]:
    """Yield the channel, the name of the action, and the place in the spec."""
    for target in plan.write_back:
        if target.notify is not None:
            yield target.notify, SCORE_UPDATED, ("write_back", f"scores.{target.name}", "notify")
    for index, action in enumerate(plan.actions):
        yield action.channel, action.name, ("decide", "actions", index)
