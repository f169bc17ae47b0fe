"""The parts that need no CDK: configuration, places in stacks, names, assembling."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import SettingsError
from functions.operations.naming import MAX_NAME, bounded
from infra.alarm_kinds import KINDS
from infra.assembling import FIXED_DATE, settle, sizes, tree_hash
from infra.configuration import CONTEXT, read_configuration
from infra.function_options import FUNCTION_OPTIONS
from infra.grouping import ROOM, group
from infra.node import JSII_NODE, use_packaged_node
from infra.pruning import prune
from infra.secret_values import secret_variables

ROOT = Path(__file__).parents[2]

QUEUE = "arn:aws:sqs:eu-central-1:444455556666:carts.fifo"

names = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), unique=True, max_size=120)


def _read(**context: Any) -> Any:
    return read_configuration(context.get)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, None),
        ({"reserved_concurrency": 20}, 20),
        ({"reserved_concurrency": 20, "max_concurrency": 5}, 5),
        ({"max_concurrency": 5}, 5),
        # What an event source mapping takes is from 2 to 1,000.
        ({"reserved_concurrency": 1}, 2),
        ({"reserved_concurrency": 5_000}, 1_000),
    ],
)
def test_a_queue_starts_no_more_than_what_is_reserved(options: dict[str, int], most: int | None) -> None:
    assert _read(functions={"churn": options}).options("churn").queue_concurrency == most


def test_a_source_says_its_queue_and_its_account() -> None:
    stream = "arn:aws:kinesis:eu-central-1:111122223333:stream/clicks"
    found = _read(functions={"a": {"source": QUEUE}, "b": {"source": stream}, "c": {}}).options
    assert [found(name).queue_arn for name in "abc"] == [QUEUE, None, None]
    assert [found(name).source_account for name in "abc"] == ["444455556666", "111122223333", None]


def test_every_value_has_a_default() -> None:
    configuration = _read()

    assert configuration.prefix == "functions-dev"
    assert configuration.namespace == "Functions/dev"
    assert configuration.options("any").source == "bus"


def test_text_of_the_command_line_is_read_as_what_it_means() -> None:
    configuration = _read(
        bundle="false", memory_mb="1024", origins="https://a.example https://b.example", fallback_share="0.5"
    )

    assert configuration.bundle is False
    assert configuration.memory_mb == 1024
    assert configuration.origins == ("https://a.example", "https://b.example")
    assert configuration.fallback_share == 0.5
    assert _read(functions='{"churn": {"url": true}}').options("churn").url is True


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"environment": "Prod"}, "environment: must be up to 20"),
        ({"bundle": "no"}, "bundle: must be true or false"),
        ({"memory_mb": True}, "memory_mb: must be a whole number from 128"),
        ({"memory_mb": "64"}, "memory_mb: must be a whole number from 128"),
        ({"log_days": 31}, "log_days: must be one of: 1, 3"),
        ({"fallback_share": "much"}, "fallback_share: must be a share"),
        ({"fallback_share": 2}, "fallback_share: must be a share"),
        ({"origins": [1]}, "origins: must be a list"),
        ({"specs": 1}, "specs: must be text"),
        ({"functions": []}, "functions: must be a mapping"),
        ({"functions": "{"}, "functions: "),
        ({"functions": {"churn": 1}}, "functions: churn: must be a mapping"),
        ({"functions": {"churn": {"source": "nowhere"}}}, "functions: churn: source: must be bus"),
        ({"functions": {"churn": {"timeout_s": 1}}}, "functions: churn: timeout_s: must be a whole number"),
        (
            {"functions": {"churn": {"reserved_concurrency": 3, "max_concurrency": 4}}},
            "functions: churn: max_concurrency: must not be over reserved_concurrency",
        ),
        (
            {"functions": {"churn": {"source": QUEUE, "batch_size": 11}}},
            "functions: churn: batch_size: a FIFO queue gives 10 records at the most",
        ),
        ({"functions": {"churn": {"source": QUEUE + "x"}}}, "functions: churn: source: must be bus"),
        ({"accounts": "1234"}, "accounts: must be AWS accounts of 12 digits"),
        ({"keys": ["alias/shop"]}, "keys: must be ARNs of KMS keys"),
        ({"event_skew_s": 0}, "event_skew_s: must be a whole number from 1"),
    ],
)
def test_a_wrong_value_is_named(context: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        _read(**context)

    assert error.value.message.startswith(f"context value {said}")


@given(names)
def test_every_function_has_one_place_and_no_stack_is_too_full(given_names: list[str]) -> None:
    weights = dict.fromkeys(given_names, 23)
    groups = group(weights)

    assert sorted(name for members in groups.values() for name in members) == sorted(given_names)
    assert all(sum(weights[name] for name in members) <= ROOM for members in groups.values())


@given(names, st.sampled_from([1, 2, 4, 8]))
def test_a_new_neighbour_moves_nobody(given_names: list[str], stacks: int) -> None:
    before = group(dict.fromkeys(given_names, 1), stacks)
    after = group(dict.fromkeys([*given_names, "newcomer-0"], 1), stacks)

    place = {name: number for number, members in after.items() for name in members}
    assert all(place[name] == number for number, members in before.items() for name in members)


def test_too_many_functions_for_the_stacks_are_refused() -> None:
    with pytest.raises(SettingsError, match="40 functions have no room in 1 stacks"):
        group({f"f-{number}": 16 for number in range(40)}, 1)


@given(st.text("abc-", min_size=1, max_size=200), st.text("abc-", min_size=1, max_size=200))
def test_names_fit_and_stay_apart(one: str, other: str) -> None:
    assert len(bounded(one)) <= MAX_NAME
    assert (bounded(one) == bounded(other)) == (one == other)


def test_equal_content_is_an_equal_asset_whatever_its_dates(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "package"
        folder.mkdir(parents=True)
        (folder / "module.py").write_text("x = 1\n")
        (folder / "module.pyc").write_text(name)
        os.utime(folder / "module.py", (len(name), 1_000_000_000 + len(name)))
        settle(tmp_path / name)
    first, second = tmp_path / "one" / "package", tmp_path / "two" / "package"

    assert tree_hash([first]) == tree_hash([second])
    assert (first / "module.py").stat().st_mtime == FIXED_DATE
    assert sizes(first)[0] == len("x = 1\n") + len("one")
    (second / "module.py").write_text("x = 2\n")
    assert tree_hash([first]) != tree_hash([second])


def test_pruning_keeps_the_services_that_are_called_and_the_tables_of_the_sdk(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    for service in ("dynamodb", "ec2"):
        (data / service).mkdir(parents=True)
    (data / "endpoints.json").write_text("{}")
    prune(tmp_path)

    assert sorted(path.name for path in data.iterdir()) == ["dynamodb", "endpoints.json"]
    prune(tmp_path / "nothing")


def test_the_node_of_the_package_is_named_unless_another_is() -> None:
    named = {JSII_NODE: "/usr/bin/node"}
    use_packaged_node(named)
    found: dict[str, str] = {}
    use_packaged_node(found)

    assert named == {JSII_NODE: "/usr/bin/node"}
    assert all(Path(path).exists() for path in found.values())


def test_the_page_names_every_context_value_with_its_default() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()

    for value in CONTEXT:
        assert f"| `{value.key}` |" in page
        assert value.description in page
    for value in FUNCTION_OPTIONS:
        assert f"| `{value.key}` |" in page
        assert value.description in page


def test_the_page_has_a_part_for_every_alarm() -> None:
    pages = [ROOT / "docs" / "deploy.md", ROOT / "docs" / "runbooks" / "README.md"]

    for page, folder in zip(pages, ("runbooks/", ""), strict=True):
        for alarm in KINDS:
            assert f"]({folder}{alarm}.md) |" in page.read_text()


def test_functions_get_the_key_of_suppression_marks_when_that_is_asked_for() -> None:
    with_marks, without = _read(suppression="true"), _read()

    assert sorted(secret_variables(with_marks, ["crm"])) == [
        "FUNCTIONS_SECRET_CRM",
        "FUNCTIONS_SECRET_SUPPRESSION_KEY",
    ]
    assert sorted(secret_variables(without, ["crm"])) == ["FUNCTIONS_SECRET_CRM"]
