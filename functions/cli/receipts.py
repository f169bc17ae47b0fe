"""A receipt for people: short, aligned, the sentence first."""

from __future__ import annotations

from collections.abc import Iterator

from functions.cli.console import Console, Style
from functions.documents import Json

_OUTCOME_STYLES: dict[str, Style] = {
    "acted": "green",
    "no_action": "cyan",
    "suppressed": "yellow",
    "duplicate": "cyan",
    "rejected": "red",
    "failed": "red",
}
_LABEL_WIDTH = 11


def render_receipt(receipt: dict[str, Json], console: Console) -> Iterator[str]:
    """Yield the lines of a receipt, given in its JSON form."""
    outcome = str(receipt["outcome"])
    title = outcome.replace("_", " ").upper()
    if receipt.get("original_outcome"):
        title += f" of {receipt['original_outcome']}"
    yield f"{console.paint(receipt['function'], 'bold')}  {console.paint(title, _OUTCOME_STYLES[outcome], 'bold')}"
    yield str(receipt["reason"]["text"])
    yield ""
    for label, text in _rows(receipt):
        yield f"  {console.paint(label.ljust(_LABEL_WIDTH), 'dim')} {text}"


def _rows(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    yield from _about(receipt)
    if receipt["features"]:
        yield "features", _pairs(receipt["features"])
    if receipt["imputed"]:
        yield "imputed", ", ".join(f"{name}: {state}" for name, state in receipt["imputed"].items())
    yield from _model_rows(receipt)
    if receipt["scores"]:
        yield "score", _pairs(receipt["scores"])
    yield from _action_rows(receipt)
    if receipt["write_back"]:
        yield "written", _pairs({f"profile.{path}": value for path, value in receipt["write_back"].items()})
    if receipt["timings_ms"]:
        yield "time", ", ".join(f"{stage} {ms:.1f} ms" for stage, ms in receipt["timings_ms"].items())
    if receipt["decision_id"]:
        yield "decision", str(receipt["decision_id"])


def _about(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    event = receipt["event"]
    if event["id"]:
        yield "event", f"{event['name']} {event['id']} at {event['time']}"
    if receipt["profile_id"]:
        size = receipt["profile"]["bytes"]
        found = f"profile of {size:,} bytes" if size is not None else "no profile"
        yield (
            "customer",
            f"{receipt['profile_id']}, {found}, {len(receipt['profile']['read_paths'])} paths can be read",
        )
    for check in receipt["consent"]:
        moment = str(check["check"]).replace("_", " ")
        yield "consent", f"{check['purpose']} needs {check['consent']}: {check['verdict']} ({moment})"


def _model_rows(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    payload, model = receipt["payload"], receipt["model"]
    if payload:
        yield "sent", f"{payload['bytes']} bytes of {payload['content_type']}: {payload['body']}"
    if model and model["rung"] != "none":
        attempts = f"{model['attempts']} attempt{'s' if model['attempts'] != 1 else ''}"
        who = {
            "model": "answered",
            "cache": "failed, the last score answers",
            "fallback": "failed, a constant answers",
        }
        error = f" [{model['error']}]" if model["error"] else ""
        yield (
            "model",
            (
                f"{model['kind']} {model['target']} {who[model['rung']]}{error}, "
                f"{model['latency_ms']:.1f} ms, {attempts}"
            ),
        )


def _action_rows(receipt: dict[str, Json]) -> Iterator[tuple[str, str]]:
    if receipt["candidates"]:
        yield "candidates", ", ".join(_candidate(candidate) for candidate in receipt["candidates"])
    if receipt["action"]:
        action = receipt["action"]
        note = f" ({action['note']})" if action["note"] else ""
        yield "action", f"{action['name']} to {action['channel']}: {action['delivery']}{note}"
        yield "", f"idempotency key {action['idempotency_key']}"


def _candidate(candidate: dict[str, Json]) -> str:
    by = f" by {candidate['by']}" if candidate["by"] else ""
    return f"{candidate['action']} {candidate['verdict']}{by}"


def _pairs(values: dict[str, Json]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items())


def _shown(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "null" if value is None else str(value)
