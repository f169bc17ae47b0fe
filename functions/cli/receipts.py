"""A receipt for people: short, aligned, the sentence first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.cli.console import Console, counted
from functions.documents import Json

if TYPE_CHECKING:
    from functions.cli.console import Style

OUTCOME_STYLES: dict[str, Style] = {
    "acted": "green",
    "no_action": "cyan",
    "suppressed": "yellow",
    "duplicate": "cyan",
    "rejected": "red",
    "failed": "red",
}
_RUNGS = {
    "model": "answered",
    "cache": "failed, the last score answers",
    "fallback": "failed, a declared constant answers",
    "none": "failed, and no fallback answers",
}
_LABEL_WIDTH = 11


def render_receipt(receipt: dict[str, Json], console: Console) -> Iterator[str]:
    """Yield the lines of a receipt, given in its JSON form."""
    outcome, reason = receipt["outcome"], receipt["reason"]
    title = outcome.replace("_", " ").upper()
    if receipt.get("original_outcome"):
        title += f" of {receipt['original_outcome'].replace('_', ' ')}"
    yield f"{console.paint(receipt['function'], 'bold')}  {console.paint(title, OUTCOME_STYLES[outcome], 'bold')}"
    yield f"{reason['text']} {console.paint('[' + reason['code'] + ']', 'dim')}"
    for index, (label, text) in enumerate(_rows(receipt)):
        if index == 0:
            yield ""
        yield f"  {console.paint(label.ljust(_LABEL_WIDTH), 'dim')} {text}"


def _rows(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    yield from _about(receipt)
    if receipt["features"]:
        yield "features", _pairs(receipt["features"])
    if receipt["imputed"]:
        yield "imputed", ", ".join(f"{name} was {_said(state)}" for name, state in receipt["imputed"].items())
    yield from _model_rows(receipt)
    if receipt["scores"]:
        yield "score", _pairs(receipt["scores"])
    yield from _candidate_rows(receipt["candidates"], receipt["reason"]["text"])
    yield from _chance_row(receipt["candidates"])
    yield from _value_rows(receipt["candidates"])
    yield from _group_row(receipt.get("experiment"))
    yield from _action_rows(receipt["action"])
    if receipt["write_back"]:
        yield "written", _pairs({f"profile.{path}": value for path, value in receipt["write_back"].items()})
    yield from _time_row(receipt["timings_ms"])
    if receipt["decision_id"]:
        yield "decision", str(receipt["decision_id"])


def _about(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    event, profile = receipt["event"], receipt["profile"]
    if event["id"]:
        yield "event", f"{event['name']} {event['id']} at {event['time']}"
    if receipt["profile_id"]:
        size = profile["bytes"]
        known = (
            f"profile of {size:,} bytes, of which the function may read "
            f"{counted(len(profile['read_paths']), 'path')}"
            if size is not None
            else "no profile"
        )
        yield "customer", f"{receipt['profile_id']}, {known}"
    yield from _consent_rows(receipt["consent"])


def _consent_rows(checks: list[dict[str, Json]]) -> Iterator[tuple[str, str]]:
    """Yield one row for all checks that ended alike."""
    groups: dict[str, list[str]] = {}
    for check in checks:
        found = f"{check['purpose']} needs {check['consent']}: {_said(check['verdict'])}"
        groups.setdefault(found, []).append(_said(check["check"]))
    for found, moments in groups.items():
        yield "consent", f"{found} ({', '.join(dict.fromkeys(moments))})"


def _model_rows(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    payload, model = receipt["payload"], receipt["model"]
    if payload:
        yield "sent", f"{counted(payload['bytes'], 'byte')} of {payload['content_type']}: {payload['body']}"
    if model and payload:
        error = f" [{model['error']}]" if model["error"] else ""
        who = f"{model['kind']} {model['target']} {_RUNGS[model['rung']]}{error}"
        yield "model", f"{who}, {model['latency_ms']:.1f} ms, {counted(model['attempts'], 'attempt')}"


def _candidate_rows(candidates: list[dict[str, Json]], told: str) -> Iterator[tuple[str, str]]:
    """Yield one row for all candidates that ended alike, and what was against them if it is not told yet."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for candidate in candidates:
        by = f" by {candidate['by']}" if candidate["by"] else ""
        groups.setdefault((candidate["verdict"] + by, veto_texts(candidate)), []).append(candidate["action"])
    for index, ((verdict, texts), names) in enumerate(groups.items()):
        yield "" if index else "candidates", f"{', '.join(names)}: {verdict}"
        for text in texts:
            if text != told:
                yield "", f"  {text}"


def _chance_row(candidates: list[dict[str, Json]]) -> Iterator[tuple[str, str]]:
    """Yield with which chances each candidate could have been drawn, where it was drawn."""
    chances = {one["action"]: one["chance"] for one in candidates if one.get("chance") is not None}
    if any(chance < 1 for chance in chances.values()):
        yield "chances", ", ".join(f"{name} {chance:.1%}" for name, chance in chances.items())


def _value_rows(candidates: list[dict[str, Json]]) -> Iterator[tuple[str, str]]:
    """Yield what each ranked action is worth over do-nothing, and what that is made of."""
    valued = [one for one in candidates if one.get("terms")]
    for index, candidate in enumerate(valued):
        terms = candidate["terms"]
        parts = [f"{name} {term['gain']:+.2f}" for name, term in terms["objectives"].items()]
        parts += [f"{name} {-terms[name]:+.2f}" for name in ("cost", "risk") if terms[name]]
        lacking = ", ".join(terms["lacking"])
        worth = f"not known: {lacking}" if lacking else f"{candidate['value']:+.2f} = {' '.join(parts)}"
        yield "" if index else "worth", f"{candidate['action']}: {worth}"


def _group_row(experiment: dict[str, Json] | None) -> Iterator[tuple[str, str]]:
    """Yield the group of the customer, where it is not the one in which the ranking chooses."""
    if experiment and experiment["group"] != "optimised":
        where = f" of {experiment['experiment']}" if experiment["experiment"] else ""
        yield "group", f"{experiment['group']}{where}, bucket {experiment['bucket']}"


def veto_texts(candidate: dict[str, Json]) -> tuple[str, ...]:
    """Return everything that was against a candidate, in plain words; a receipt kept by an older version has none."""
    return tuple(str(one["text"]) for one in candidate.get("reasons") or ())


def action_text(action: dict[str, Json]) -> str:
    """Return what became of an action, in plain words."""
    doubt = ", it may have arrived" if action["delivery"] == "unconfirmed" else ""
    note = f" ({action['note']})" if action.get("note") else ""
    return f"{action['name']} to {action['channel']}: {action['delivery']}{doubt}{note}"


def _action_rows(action: dict[str, Json] | None) -> Iterator[tuple[str, str]]:
    if action:
        yield "action", action_text(action)
        yield "", f"idempotency key {action['idempotency_key']}"


def _time_row(timings: dict[str, float]) -> Iterator[tuple[str, str]]:
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in timings.items() if stage != "total")
    if timings:
        yield "time", f"{timings['total']:.1f} ms" + (f": {stages}" if stages else "")


def _said(word: str) -> str:
    return word.replace("_", " ")


def _pairs(values: dict[str, Json]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items())


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "null" if value is None else str(value)
