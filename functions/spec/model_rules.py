"""The model section of a spec: what its parts promise each other, and its plan."""

from __future__ import annotations

from collections.abc import Mapping

from functions.documents import Json
from functions.expressions import Expression
from functions.spec.collecting import DATA_ROOTS, RESERVED, Collector
from functions.spec.language import Custom, Http, SageMaker
from functions.spec.plan import ModelPlan, Rung
from functions.spec.problems import closest
from functions.spec.source import Path
from functions.spec.templates import leaves

_COMMON = {"kind", "request", "response", "range", "timeout", "attempts", "max_payload", "fallback"}


def compile_model(section: SageMaker | Http | Custom, collector: Collector) -> ModelPlan | None:
    """Compile the model section; None when there are errors, which the collector has."""
    before = collector.errors
    _check_ranges(section, collector)
    _check_request(section, collector)
    response = {
        name: collector.expression(("model", "response", name), text, None)
        for name, text in section.response.items()
    }
    template = _template_expressions(section, collector)
    fallback = tuple(_rung(index, rung, section, collector) for index, rung in enumerate(section.fallback))
    if collector.errors > before:
        return None
    return ModelPlan(
        kind=section.kind,
        target=target_of(section),
        options=_options(section),
        format=section.request.format or ("csv" if section.kind == "sagemaker" else "json"),
        template=section.request.template,
        template_expressions=template,
        missing_token=section.request.missing_token,
        response={name: found for name, found in response.items() if found is not None},
        ranges={name: (low, high) for name, (low, high) in section.range.items()},
        timeout_s=section.timeout.total_seconds(),
        max_attempts=section.attempts,
        max_payload_bytes=section.max_payload,
        fallback=fallback,
    )


def _check_ranges(section: SageMaker | Http | Custom, collector: Collector) -> None:
    for name in section.response:
        if name in RESERVED:
            path = ("model", "response", name)
            collector.add(path, "model.output_name", f"an output can't be called {name!r}", at_key=True)
    for name, (low, high) in section.range.items():
        path = ("model", "range", name)
        if name not in section.response:
            hint = closest(name, section.response)
            collector.add(path, "model.unknown_output", f"no output is called {name!r}", hint, at_key=True)
        if low > high:
            collector.add(path, "model.range", f"{name}: the range ends before it begins")


def _check_request(section: SageMaker | Http | Custom, collector: Collector) -> None:
    request = section.request
    csv = request.format == "csv" or (request.format is None and section.kind == "sagemaker")
    if section.timeout.total_seconds() <= 0:
        collector.add(("model", "timeout"), "model.timeout", "the timeout must be longer than nothing")
    if request.template is not None and csv:
        collector.add(("model", "request", "template"), "model.template", "csv takes no template")
    if request.missing_token is not None and not csv:
        path = ("model", "request", "missing_token")
        collector.add(path, "model.template", "only csv has a missing token")


def _template_expressions(
    section: SageMaker | Http | Custom, collector: Collector
) -> Mapping[str, Expression]:
    found: dict[str, Expression] = {}
    for path, text in leaves(section.request.template, ("model", "request", "template")):
        compiled = collector.expression(path, text, ("features",))
        if compiled is not None:
            found[text] = compiled
    return found


def _rung(
    index: int, rung: Mapping[str, Json], section: SageMaker | Http | Custom, collector: Collector
) -> Rung:
    sources: dict[str, Expression] = {}
    constants: dict[str, Json] = {}
    # A name that is not known is one that is missing, misspelt: it is reported once.
    missing = sorted(section.response.keys() - rung.keys() - set(RESERVED))
    for name in missing if rung.keys() <= section.response.keys() else ():
        message = f"this rung does not give the output {name!r}"
        collector.add(("model", "fallback", index), "model.fallback", message)
    for name, value in rung.items():
        path = ("model", "fallback", index, name)
        if name not in section.response:
            hint = closest(name, section.response)
            collector.add(path, "model.unknown_output", f"no output is called {name!r}", hint, at_key=True)
        elif isinstance(value, str):
            found = collector.expression(path, value, DATA_ROOTS)
            if found is not None:
                sources[name] = found
        else:
            _check_constant(path, name, value, section, collector)
            constants[name] = value
    return Rung("cache" if sources else "fallback", sources, constants)


def _check_constant(
    path: Path, name: str, value: Json, section: SageMaker | Http | Custom, collector: Collector
) -> None:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if name not in section.range:
        if value is None:
            collector.add(path, "model.fallback", f"the constant for {name} must not be null")
        return
    low, high = section.range[name]
    if low > high:
        return
    if not numeric or not low <= value <= high:
        collector.add(path, "model.fallback", f"the constant for {name} must be a number in its range")


def target_of(section: SageMaker | Http | Custom) -> str:
    """Return what receipts call a model."""
    if isinstance(section, SageMaker):
        return section.endpoint
    return section.url if isinstance(section, Http) else section.target


def _options(section: SageMaker | Http | Custom) -> Mapping[str, Json]:
    if isinstance(section, Custom):
        return dict(section.options)
    document: dict[str, Json] = section.model_dump(mode="json", exclude=_COMMON, exclude_none=True)
    return document
