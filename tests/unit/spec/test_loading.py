"""A folder of specs: which files count, one function out of many, and files that can't be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.errors import UnknownFunctionError
from functions.spec.case_checks import check_cases
from functions.spec.checking import check_document
from functions.spec.language import Spec
from functions.spec.loading import SpecFolder, load_folder, load_function, load_policy, read_source
from functions.spec.problems import SpecError
from functions.spec.schema_walk import schema_of
from functions.spec.yaml_reader import MAX_FILE_BYTES

MakeFolder = Callable[..., Path]
Load = Callable[..., SpecFolder]


def test_folder_gives_a_plan_for_every_spec_and_skips_shared_files_and_cases(
    load: Load, spec_text: str
) -> None:
    cases = "cases: [{ name: n, given: { event: e.json }, expect: {} }]\n"
    loaded = load({"other.yml": spec_text.replace("name: churn", "name: other"), "churn.cases.yaml": cases})
    assert sorted(loaded.plans) == ["churn", "other"]
    assert {name: path.name for name, path in loaded.files.items()} == {
        "churn": "churn.yaml",
        "other": "other.yml",
    }
    assert loaded.problems == loaded.errors == ()


def test_function_loads_although_its_neighbour_is_broken(make_folder: MakeFolder) -> None:
    folder = make_folder({"other.yaml": "version: [\n", "third.yaml": "name: third\n"})
    assert load_function(folder, "churn").name == "churn"


def test_broken_spec_raises_its_own_problems_and_no_others(make_folder: MakeFolder, spec_text: str) -> None:
    broken = spec_text.replace("name: churn", "name: other").replace("owner: team", "ownr: team")
    folder = make_folder({"b.yaml": broken, "third.yaml": "version: [\n"})
    with pytest.raises(SpecError) as caught:
        load_function(folder, "other")
    assert [(Path(p.file).name, p.line, p.code) for p in caught.value.problems] == [
        ("b.yaml", 1, "spec.missing_key"),
        ("b.yaml", 3, "spec.unknown_key"),
    ]
    assert caught.value.code == "spec.invalid"
    assert caught.value.message.startswith("2 problems in the specs, the first one:\n")


def test_spec_whose_name_can_not_be_read_is_found_by_its_file(make_folder: MakeFolder) -> None:
    folder = make_folder({"other.yaml": "version: [\n", "third.yaml": "name: [x]\n"})
    with pytest.raises(SpecError) as caught:
        load_function(folder, "other")
    assert [p.code for p in caught.value.problems] == ["yaml.syntax"]
    with pytest.raises(SpecError):
        load_function(folder, "third")


def test_unknown_function_gets_the_closest_name(make_folder: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(UnknownFunctionError) as caught:
        load_function(make_folder(), "chrun")
    assert (caught.value.code, caught.value.hint) == ("function.unknown", "did you mean 'churn'?")
    assert caught.value.message == "no function is called 'chrun'"


def test_unknown_function_of_an_empty_folder_says_that_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(UnknownFunctionError) as caught:
        load_function(tmp_path, "churn")
    assert caught.value.hint == f"there is no spec in {tmp_path}"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("contract.yaml", "the folder has no contract.yaml: the data contract: purposes and their consent"),
        ("actions.yaml", "the folder has no actions.yaml: the registry of actions and channels"),
    ],
)
def test_missing_shared_file_is_a_problem_and_no_function_loads(
    make_folder: MakeFolder, file: str, message: str
) -> None:
    folder = make_folder({file: None})
    (problem,) = load_folder(folder).problems
    assert (Path(problem.file).name, problem.line, problem.code) == (file, 0, "spec.missing_file")
    assert problem.message == message
    with pytest.raises(SpecError) as caught:
        load_function(folder, "churn")
    assert [p.code for p in caught.value.problems] == ["spec.missing_file"]


@pytest.mark.parametrize("broken", ["channels: [", "actions: 7\n", "channels: {}\nactions: {offer-20: {}}\n"])
def test_function_never_loads_without_its_actions_when_the_registry_is_broken(
    make_folder: MakeFolder, broken: str
) -> None:
    folder = make_folder({"actions.yaml": broken})
    assert load_folder(folder).plans == {}
    with pytest.raises(SpecError) as caught:
        load_function(folder, "churn")
    assert {Path(p.file).name for p in caught.value.problems} == {"actions.yaml"}


def test_action_with_an_unknown_channel_stops_the_functions_that_use_it_and_no_others(
    make_folder: MakeFolder, spec_text: str
) -> None:
    actions = (
        "channels: { a: { kind: memory } }\nactions:\n  offer-20: { channel: b }\n  call: { channel: a }\n"
    )
    other = spec_text.replace("name: churn", "name: other").replace("[offer-20, call]", "[call]")
    loaded = load_folder(make_folder({"actions.yaml": actions, "other.yaml": other}))
    assert [(p.line, p.code) for p in loaded.problems] == [(3, "spec.unknown_channel")]
    assert sorted(loaded.plans) == ["other"]
    with pytest.raises(SpecError):
        load_function(loaded.folder, "churn")


def test_name_given_by_two_files_is_reported_in_both_and_neither_loads(
    make_folder: MakeFolder, spec_text: str
) -> None:
    folder = make_folder({"second.yaml": spec_text})
    loaded = load_folder(folder)
    assert [(Path(p.file).name, p.line, p.column, p.code) for p in loaded.problems] == [
        ("churn.yaml", 2, 7, "spec.duplicate_name"),
        ("second.yaml", 2, 7, "spec.duplicate_name"),
    ]
    assert loaded.problems[0].message == "the name 'churn' is also given by second.yaml"
    assert loaded.plans == {}
    with pytest.raises(SpecError):
        load_function(folder, "churn")


def test_broken_instant_of_a_value_is_an_error_and_no_plan_without_it(
    make_folder: MakeFolder, spec_text: str
) -> None:
    stale = "missing: 0\n    stale_after: 1d\n    stale: 0\n    as_of: nope(profile.at)"
    folder = make_folder({"churn.yaml": spec_text.replace("missing: 0", stale)})
    assert load_folder(folder).plans == {}


def test_key_given_twice_stops_the_plan_although_the_rest_is_fine(
    make_folder: MakeFolder, spec_text: str
) -> None:
    loaded = load_folder(make_folder({"churn.yaml": spec_text + "owner: team\n"}))
    assert [p.code for p in loaded.problems] == ["yaml.duplicate_key"]
    assert loaded.plans == {}


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"name: \xff\xfe\n", "yaml.syntax", "the file is no UTF-8 text"),
        (b"a" * (MAX_FILE_BYTES + 1), "yaml.too_large", "the file is over 512,000 bytes"),
    ],
)
def test_file_that_is_no_text_is_a_problem_without_a_place(
    tmp_path: Path, content: bytes, code: str, message: str
) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    source = read_source(tmp_path / "a.yaml")
    assert source.data is None
    assert [(p.line, p.column, p.code, p.message) for p in source.problems] == [(0, 0, code, message)]
    assert source.problems[0].render() == f"{tmp_path / 'a.yaml'}: error[{code}] {message}"


def test_file_that_can_not_be_opened_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    found = {
        name: read_source(tmp_path / name).problems[0] for name in ("folder.yaml", "gone.yaml", "pipe.yaml")
    }
    assert {name: p.code for name, p in found.items()} == dict.fromkeys(found, "yaml.unreadable")
    assert found["gone.yaml"].message == "the file can't be read: No such file or directory"
    assert found["pipe.yaml"].message == found["folder.yaml"].message == "this is no file"


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path, spec_text: str) -> None:
    raw = b"\xef\xbb\xbf" + spec_text.replace("name: churn", "nam: churn").replace("\n", "\r\n").encode()
    (tmp_path / "a.yaml").write_bytes(raw)
    _, problems = check_document(Spec, read_source(tmp_path / "a.yaml"))
    assert sorted((p.line, p.column, p.code) for p in problems) == [
        (1, 1, "spec.missing_key"),
        (2, 1, "spec.unknown_key"),
    ]


def test_channels_load_without_any_spec(make_folder: MakeFolder) -> None:
    folder = make_folder({"churn.yaml": None, "contract.yaml": None})
    (channel,) = load_policy(folder).channels.values()
    assert (channel.name, channel.kind, dict(channel.options)) == ("offers", "file", {"path": "offers.jsonl"})


def test_channels_of_a_broken_registry_raise_its_problems(make_folder: MakeFolder) -> None:
    with pytest.raises(SpecError) as caught:
        load_policy(make_folder({"actions.yaml": "channels: { a: { kind: fax } }\n"}))
    assert [(p.line, p.code) for p in caught.value.problems] == [(1, "spec.unknown_kind")]


def test_options_of_a_class_of_your_own_are_those_under_options(make_folder: MakeFolder) -> None:
    text = "channels: { a: { kind: 'crm.channel:Crm', options: { url: x } } }\n"
    channel = load_policy(make_folder({"actions.yaml": text})).channels["a"]
    assert (channel.kind, dict(channel.options)) == ("crm.channel:Crm", {"url": "x"})


def test_cases_without_a_spec_are_reported_and_those_of_a_broken_spec_are_not(load: Load) -> None:
    cases = "cases: [{ name: n, given: { event: e.json }, expect: {} }]\n"
    loaded = load({"churn.yaml": "version: [\n", "churn.cases.yaml": cases, "chrun.cases.yaml": cases})
    found = [p for p in check_cases(loaded) if p.code == "cases.no_spec"]
    assert [(Path(p.file).name, p.line, p.hint) for p in found] == [
        ("chrun.cases.yaml", 1, "did you mean 'churn'?")
    ]


def test_two_cases_of_one_name_are_reported_at_the_second(load: Load) -> None:
    case = "  - { name: n, given: { event: e.json }, expect: { outcome: acted } }\n"
    found = list(check_cases(load({"churn.cases.yaml": "cases:\n" + case + case})))
    assert [(p.line, p.column, p.code) for p in found if p.code == "cases.duplicate_name"] == [
        (3, 13, "cases.duplicate_name")
    ]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("{ bod: x }", "spec.unknown_key"),
        ("sideways", "spec.wrong_value"),
        ("[x]", "spec.wrong_value"),
    ],
)
def test_reply_of_a_case_is_checked_as_what_it_was_meant_to_be(load: Load, given: str, code: str) -> None:
    text = f"cases:\n  - {{ name: n, given: {{ event: e, model: {given} }}, expect: {{ outcome: acted }} }}\n"
    found = [p.code for p in check_cases(load({"churn.cases.yaml": text}))]
    assert found == (["spec.missing_key", code] if code == "spec.unknown_key" else [code])


def test_fifty_specs_load_without_making_a_schema_and_fifty_broken_ones_make_one(
    load: Load, spec_text: str
) -> None:
    schema_of.cache_clear()
    names = [f"churn-{number}" for number in range(50)]
    texts = {f"{name}.yaml": spec_text.replace("name: churn", f"name: {name}") for name in names}
    loaded = load({**texts, "churn.yaml": None})
    assert sorted(loaded.plans) == sorted(names)
    assert loaded.problems == ()
    assert schema_of.cache_info().misses == 0
    broken = {name: text.replace("owner:", "ownr:") for name, text in texts.items()}
    found = [p for p in load({**broken, "churn.yaml": None}).problems if p.code == "spec.unknown_key"]
    assert len(found) == 50
    assert schema_of.cache_info().misses == 1
