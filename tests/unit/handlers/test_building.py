"""From an environment to a handler: settings, what is opened, what is never imported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.build.folder import build_folder
from functions.errors import BuiltPlanError, SettingsError
from functions.handlers.factory import KINDS, build_handler
from functions.handlers.settings import HANDLER_SETTINGS, read_handler_settings
from functions.handlers.visitor import mint_visitor_token, visitor_of
from functions.testing.sample_function import REGISTRY, write_specs

ROOT = Path(__file__).parents[3]
KEY = "a-key-of-twenty-four-bytes-at-least"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a function whose artefact is built."""
    specs = tmp_path / "specs"
    specs.mkdir()
    write_specs(specs)
    build_folder(specs, tmp_path / "plans")
    return {
        "FUNCTIONS_NAME": "churn",
        "FUNCTIONS_PLANS": str(tmp_path / "plans"),
        "FUNCTIONS_STORE": f"sqlite:///{tmp_path}/profiles.db",
        "FUNCTIONS_VISITOR_KEY": KEY,
        "FUNCTIONS_INGEST_KEY": KEY,
        "FUNCTIONS_EXPORT_BUCKET": "decisions",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://127.0.0.1:9",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_handler_of_every_kind_is_built(kind: str, environment: dict[str, str]) -> None:
    assert callable(build_handler(kind, environment))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_entry_module_of_three_lines(kind: str) -> None:
    text = (ROOT / "functions" / "handlers" / f"{kind}.py").read_text()
    docstring, *code = [line for line in text.splitlines() if line]
    assert docstring.startswith('"""Entry module')
    assert code == [
        "import os",
        "from functions.handlers.factory import build_handler",
        f'handler = build_handler("{kind}", os.environ)',
    ]


def run(program: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_process_of_a_handler_has_no_yaml_no_pydantic_and_nothing_to_compile_with(
    environment: dict[str, str],
) -> None:
    # One process for all: what is not there after all of them, none of them has brought.
    program = (
        "import importlib, sys\n"
        "unwanted = {'yaml', 'pydantic', 'boto3', 'httpx', 'functions.spec.loading', 'functions.spec.registry',"
        " 'functions.cli', 'functions.testing', 'functions.endpoint'}\n"
        f"for kind in {tuple(KINDS)!r}:\n"
        "    importlib.import_module(f'functions.handlers.{kind}')\n"
        "    print(kind, sorted(unwanted & set(sys.modules)))"
    )
    # SageMaker's client signs with anything here; nothing is called.
    assert run(program, environment).splitlines() == [f"{kind} []" for kind in KINDS]


def test_importing_the_package_has_no_effect(tmp_path: Path) -> None:
    modules = sorted(
        path.stem
        for path in (ROOT / "functions" / "handlers").glob("*.py")
        if path.stem not in KINDS and path.stem != "__init__"
    )
    program = "import os, sys, socket, threading\n"
    program += "before = dict(os.environ)\n"
    program += "".join(f"import functions.handlers.{name}\n" for name in modules)
    program += (
        "assert dict(os.environ) == before\n"
        "assert threading.active_count() == 1\n"
        "assert not [n for n in KINDS if f'functions.handlers.{n}' in sys.modules]\n"
    ).replace("KINDS", repr(tuple(KINDS)))
    program += "print(sorted(os.listdir('.')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_clients_are_made_before_the_first_event(environment: dict[str, str]) -> None:
    program = (
        "import sys, functions.handlers.sqs\n"
        "print('botocore.client' in sys.modules and 'functions.actions.memory' in sys.modules)"
    )
    assert run(program, environment) == "True\n"


def test_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match="'sms'"):
        build_handler("sms", {})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FUNCTIONS_NAME", ""),
        ("FUNCTIONS_ACCOUNTS", "12345"),
        ("FUNCTIONS_ALLOWED_ORIGINS", "*"),
        ("FUNCTIONS_ALLOWED_ORIGINS", "https://shop.example/path"),
        ("FUNCTIONS_TRACING", "yes"),
        ("FUNCTIONS_METRICS", "no spaces please"),
        ("FUNCTIONS_VISITOR_KEY", "short-and-secret"),
        ("FUNCTIONS_VISITOR_KEY", ""),
        ("FUNCTIONS_INGEST_KEY", "short-and-secret"),
        ("FUNCTIONS_STORE", "nowhere:"),
        ("FUNCTIONS_DLQ_URL", "queue"),
        ("FUNCTIONS_LEASE", "never"),
    ],
)
def test_setting_that_cannot_be_used_is_named(variable: str, value: str, environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=variable) as raised:
        build_handler("url", {**environment, variable: value})
    assert "short-and-secret" not in f"{raised.value} {raised.value.hint}"


def test_webhook_without_a_key_and_ingest_without_its_mapping_are_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="FUNCTIONS_INGEST_KEY"):
        build_handler("ingest_url", {**environment, "FUNCTIONS_INGEST_KEY": ""})
    for kind in ("ingest_url", "ingest_sqs", "ingest_eventbridge"):
        with pytest.raises(BuiltPlanError, match="functions build"):
            build_handler(kind, {**environment, "FUNCTIONS_PLANS": str(tmp_path)})


def test_function_without_an_artefact_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(BuiltPlanError, match="functions build"):
        build_handler("sqs", {**environment, "FUNCTIONS_NAME": "other"})


def test_schedule_without_any_artefact_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FUNCTIONS_PLANS"):
        build_handler("schedule", {**environment, "FUNCTIONS_PLANS": str(tmp_path)})


def test_tracing_without_its_sdk_is_refused_with_advice(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "aws_xray_sdk"] or ["aws_xray_sdk"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match="FUNCTIONS_TRACING") as raised:
        build_handler("sqs", {**environment, "FUNCTIONS_TRACING": "on"})
    assert "aws-xray-sdk" in str(raised.value.hint)


def test_channel_that_cannot_be_opened_does_not_keep_a_function_from_deciding(
    tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    hook = {"kind": "webhook", "url": "https://crm.example/hook", "secret": {"secret": "crm-key"}}
    write_specs(tmp_path / "specs", {**REGISTRY, "channels": {"offers": hook}}, name="hooked")
    build_folder(tmp_path / "specs", tmp_path / "plans")
    build_handler("sqs", {**environment, "FUNCTIONS_NAME": "hooked"})
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["channel"], line["code"]) == (
        "channel not opened",
        "offers",
        "settings.invalid",
    )


def test_settings_show_no_key() -> None:
    settings = read_handler_settings({"FUNCTIONS_VISITOR_KEY": KEY})
    assert KEY not in repr(settings)
    assert settings.visitor_keys == (KEY.encode(),)


def test_every_setting_is_described_once() -> None:
    variables = [setting.variable for setting in HANDLER_SETTINGS]
    assert len(set(variables)) == len(variables)
    assert all(setting.description.endswith(".") for setting in HANDLER_SETTINGS)


def test_token_gives_back_any_id() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    for visitor in ("customer-1", "Zoë Ørsted", "a.b.c", "", "x" * 256):
        token = mint_visitor_token(visitor, key=KEY.encode(), expires_at=now.replace(day=3))
        assert visitor_of(token, keys=(KEY.encode(),), now=now) == visitor
        assert visitor_of(token, keys=(KEY.encode(),), now=now.replace(day=3)) is None
        assert visitor_of(token[:-1], keys=(KEY.encode(),), now=now) is None
