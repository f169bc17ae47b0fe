"""From a plan's kind to its adapter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from functions.errors import SettingsError
from functions.expressions import compile_expression
from functions.models.http import HttpModel
from functions.models.model import ModelConnection
from functions.models.opening import open_model
from functions.models.sagemaker import SageMakerModel
from functions.spec.plan import ModelPlan


def no_secret(name: str) -> str:
    raise SettingsError(f"there is no secret {name}")


def make_plan(kind: str, target: str = "churn-risk", **options: object) -> ModelPlan:
    return ModelPlan(
        kind=kind,
        target=target,
        options=options,
        format="csv",
        template=None,
        template_expressions={},
        response={"churn_risk": compile_expression("[0]")},
        ranges={},
        timeout_s=0.15,
        max_attempts=1,
        max_payload_bytes=1000,
        missing_token=None,
        fallback=(),
    )


def test_each_kind_opens_its_adapter() -> None:
    connection = ModelConnection(secrets=no_secret, unsigned=True, sagemaker_url="http://127.0.0.1:9")
    assert isinstance(open_model(make_plan("sagemaker"), connection), SageMakerModel)
    assert isinstance(open_model(make_plan("http", "http://127.0.0.1:9/"), connection), HttpModel)


def test_class_of_your_own_is_called_with_plan_and_connection() -> None:
    plan = make_plan("functions.models.http:HttpModel", "http://127.0.0.1:9/")
    assert isinstance(open_model(plan, ModelConnection(secrets=no_secret)), HttpModel)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sagemakr", "Did you mean sagemaker"),
        ("smoke-signals", "Use sagemaker, http, or package.module:Class"),
        ("functions.models.memory", "package.module:Class"),
        ("", "package.module:Class"),
    ],
)
def test_unknown_kind_is_named_with_the_closest_one(kind: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_model(make_plan(kind), ModelConnection(secrets=no_secret))
    assert text in str(caught.value.hint)


@pytest.mark.parametrize(
    "kind",
    [
        "no_such_package.models:Model",
        "functions.models.memory:NoSuchModel",
        "functions.models.limits:__doc__",
    ],
)
def test_class_that_cannot_be_imported_is_a_setting_to_correct(kind: str) -> None:
    with pytest.raises(SettingsError, match=kind):
        open_model(make_plan(kind), ModelConnection(secrets=no_secret))


def test_reading_a_reply_loads_neither_sdk_nor_http_nor_pydantic() -> None:
    modules = "model attempts replies memory opening http sagemaker limits sagemaker_errors"
    code = (
        f"import sys, importlib\nfor name in {modules!r}.split(): importlib.import_module('functions.models.' + name)\n"
        "for name in 'channel memory file webhook opening signature'.split():\n"
        "    importlib.import_module('functions.actions.' + name)\n"
        "heavy = {'boto3', 'botocore', 'httpx', 'pydantic', 'yaml', 'jmespath', 'urllib3', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
