"""Any document against the models, and any mutation of a valid spec: problems or a value, never an exception."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from functions.governance.contract import DataContract
from functions.spec.cases import CasesFile
from functions.spec.checking import check_document
from functions.spec.language import Spec
from functions.spec.loading import load_folder
from functions.spec.registry import Registry
from functions.spec.source import Source

WORDS = [
    *("version", "name", "owner", "description", "trigger", "event_pattern", "profile", "key", "purpose"),
    *(
        "features",
        "from",
        "type",
        "range",
        "categories",
        "outside",
        "missing",
        "null",
        "stale",
        "stale_after",
    ),
    *("model", "kind", "http", "sagemaker", "request", "response", "fallback", "decide", "when", "actions"),
    *("channels", "purposes", "consent", "cases", "given", "value", "secret", "<http>", "[key]", "error"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from([*WORDS, "a.b", "nope(", "1d", "1KB", "x:Y", "999999999w", "\ud800"])
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("model", [Spec, Registry, DataContract, CasesFile])
@given(document=documents)
@settings(max_examples=60, deadline=None)
def test_any_document_is_a_value_or_problems(model: type[BaseModel], document: Any) -> None:
    value, problems = check_document(model, Source("a.yaml", json.dumps(document), document))
    assert (value is None) == bool(problems)
    for problem in problems:
        assert problem.code.startswith("spec.")
        problem.render()


def paths_of(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for part, child in children:
        yield from paths_of(child, (*path, part))


def mutated(document: Any, path: tuple[Any, ...], how: str, replacement: Any) -> Any:
    changed = copy.deepcopy(document)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    last = path[-1]
    if how == "delete":
        del parent[last]
    elif how == "rename" and isinstance(parent, dict):
        parent[f"{last}x"] = parent.pop(last)
    else:
        parent[last] = replacement
    return changed


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_valid_spec_with_one_node_changed_is_a_plan_or_problems(
    make_folder: Callable[..., Path], spec_text: str, data: st.DataObject
) -> None:
    document = yaml.safe_load(spec_text)
    path = data.draw(st.sampled_from(list(paths_of(document))))
    how = data.draw(st.sampled_from(["delete", "rename", "replace"]))
    changed = mutated(document, path, how, data.draw(documents))
    folder = make_folder({"churn.yaml": json.dumps(changed, ensure_ascii=True)})
    loaded = load_folder(folder)
    assert bool(loaded.plans) != bool(loaded.errors)
    assert list(loaded.problems) == sorted(loaded.problems)
    for problem in loaded.problems:
        problem.render()
