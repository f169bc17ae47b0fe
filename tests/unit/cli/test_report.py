"""`functions report`: every function has its page, all that leaves stands there, and texts are only texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.explain import explanation, sections
from functions.cli.report import write_report
from functions.cli.review import function_page, index_page
from functions.errors import SettingsError
from functions.governance.contract import DataContract
from functions.spec.experiment_plan import ExperimentsPlan, Mode, RolloutPlan, Slice
from functions.spec.loading import SpecFolder, load_folder
from functions.spec.plan import ExceptionPlan, Plan
from functions.spec.problems import SpecError
from functions.spec.registry import Registry
from functions.testing.sample_function import CONTRACT, REGISTRY, SPEC, a_plan

Command = Callable[..., CompletedProcess[str]]

SPECS = Path(__file__).parents[3] / "feature_specs"
HOSTILE = '<script src="https://evil.example/x.js"></script>&"\'> --> ]]>'


class _Reader(HTMLParser):
    """Takes the text of a page, its tags, and what it points at."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self.links = "", set[str](), set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "action", "data")}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


@pytest.fixture(scope="module")
def specs() -> SpecFolder:
    return load_folder(SPECS)


def page_of(specs: SpecFolder, plan: Plan) -> _Reader:
    assert specs.contract is not None
    assert specs.registry is not None
    return read(function_page(plan, specs.contract, specs.registry))


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*-*.yaml") if "." not in path.stem))
def test_a_page_names_everything_that_is_read_that_leaves_and_that_may_happen(
    specs: SpecFolder, name: str
) -> None:
    plan = specs.plans[name]
    text = page_of(specs, plan).text
    wanted = [plan.purpose, plan.consent, plan.owner, plan.bundle.spec, plan.bundle.policy]
    wanted += [path for path in plan.reads if path.startswith(("profile", "event"))]
    wanted += [feature.name for feature in plan.features]
    wanted += [label for flow in plan.governance.flows for label in flow.labels]
    wanted += [action.name for action in plan.actions]
    wanted += [plan.model.target] if plan.model else []
    assert [one for one in wanted if one not in text] == []


def test_the_index_leads_to_every_function(specs: SpecFolder) -> None:
    assert specs.contract is not None
    index = read(index_page(specs.plans, specs.contract))
    assert index.links == {f"{name}.html" for name in specs.plans}
    assert [name for name in specs.contract.purposes if name not in index.text] == []


def test_pages_run_nothing_and_ask_nobody(specs: SpecFolder) -> None:
    for plan in specs.plans.values():
        found = page_of(specs, plan)
        assert not found.tags & {"script", "img", "iframe", "link", "object", "form"}
        assert found.links <= {"index.html"}


def test_what_an_author_writes_is_text_and_never_markup(specs: SpecFolder) -> None:
    plan = specs.plans["churn-retention"]
    told = ExceptionPlan("profile.email", ("model",), ("direct-identifier",), HOSTILE, HOSTILE)
    governance = replace(plan.governance, exceptions=(told,))
    hostile = replace(plan, description=HOSTILE, owner=HOSTILE, governance=governance)
    found = page_of(specs, hostile)
    assert "script" not in found.tags
    assert found.text.count(HOSTILE) == 4
    assert found.links == {"index.html"}


def test_an_exception_stands_on_the_page_with_who_has_agreed(specs: SpecFolder) -> None:
    plan = specs.plans["churn-retention"]
    told = ExceptionPlan(
        "profile.email", ("model",), ("direct-identifier",), "Approved for fraud.", "Ada Privacy"
    )
    found = page_of(specs, replace(plan, governance=replace(plan.governance, exceptions=(told,))))
    assert (
        "Exception: profile.email (direct-identifier) may leave to model. Approved for fraud. Reviewed by Ada Privacy."
    ) in found.text


def test_a_channel_that_is_told_scores_stands_on_the_page_and_in_the_explanation() -> None:
    registry = {**REGISTRY, "channels": {**REGISTRY["channels"], "platform": {"kind": "memory"}}}
    target = {**SPEC["write_back"]["scores.churn_risk"], "notify": "platform"}
    plan = a_plan(registry, write_back={"scores.churn_risk": target})
    text = read(
        function_page(plan, DataContract.model_validate(dict(CONTRACT)), Registry.model_validate(registry))
    ).text
    assert (
        "the channel platform (memory), as the score churn_risk"
        "profile.scores.churn_risk.value, outputs of the model, the id of the profile, the anonymous id of the event"
        "derivedpseudonymous"
    ) in text
    document = explanation(plan)
    assert document["writes"]["profile.scores.churn_risk"]["notify"] == "platform"
    assert {
        "to": "channel",
        "name": "platform",
        "features": [],
        "reads": ["profile.scores.churn_risk.value"],
        "outputs": True,
        "labels": ["derived", "pseudonymous"],
    } in document["leaves"]
    told = dict(sections(plan, document))["Tells"]
    assert told == [
        "churn_risk to platform (memory)",
        (
            "  carries the id of the profile, the anonymous id of the event, "
            "profile.scores.churn_risk.value, outputs of the model; labels: derived, pseudonymous"
        ),
    ]


def kept(plan: Plan) -> str:
    registry = Registry.model_validate(dict(REGISTRY))
    text = read(function_page(plan, DataContract.model_validate(dict(CONTRACT)), registry)).text
    return text.partition("How long it is kept")[2]


def test_everything_that_is_kept_stands_on_the_page_with_its_time() -> None:
    plan = a_plan()
    text = kept(replace(plan, governance=replace(plan.governance, keep_decisions=timedelta(days=45))))
    for told in (
        "the decision: reasons, features, outputs, candidates45d",
        "the score churn_risk on the profile1d",
        "the message as it is sent, in the outbox45d",
        "which action was taken when, in the contact log90d",
        "decisions in the lasting log, for its export_days",
        "events in the archive, for its archive_days",
    ):
        assert told in text
    assert "responses" not in text


def test_what_waits_for_responses_stands_on_the_page_where_a_function_is_measured() -> None:
    measured = ExperimentsPlan(holdout=Slice("h", ((0.0, 0.02),)))
    text = kept(replace(a_plan(), experiments=measured))
    assert "what responses are counted by: action, group and segment67d" in text
    assert "the last response of each kinduntil it is replaced" in text


def test_a_function_without_actions_keeps_no_contacts_and_no_messages() -> None:
    text = kept(a_plan(decide={}))
    assert "contact log" not in text
    assert "outbox" not in text


FEW = "5 of 100 customers, drawn by the seed next,"
NOTHING = "nothing of it is done or written but the record"


@pytest.mark.parametrize(
    ("name", "mode", "sentence"),
    [
        (
            "churn-next",
            "shadow",
            f"is tried in the shadow of churn: it decides about {FEW} and {NOTHING}",
        ),
        ("churn-next", "canary", f"is tried as a canary of churn: it decides for {FEW} and for nobody else"),
        (
            "churn",
            "shadow",
            f"churn-next is tried in its shadow: it also decides about {FEW} for the record alone",
        ),
        ("churn", "canary", f"churn-next is tried as its canary: {FEW} are left to it"),
    ],
)
def test_a_rollout_stands_on_the_page_and_in_the_explanation(name: str, mode: Mode, sentence: str) -> None:
    rollout = RolloutPlan("churn-next", "churn", mode, Slice("next", ((0.0, 0.05),)))
    plan = replace(a_plan(name=name), experiments=ExperimentsPlan(rollouts=(rollout,)))
    document = explanation(plan)
    assert document["rollouts"] == [
        {
            "candidate": "churn-next", "of": "churn", "mode": mode, "percent": 5.0, "seed": "next",
            "ranges": [[0.0, 0.05]],
        }
    ]  # fmt: skip
    assert dict(sections(plan, document))["On trial"] == [sentence]
    registry = Registry.model_validate(dict(REGISTRY))
    text = read(function_page(plan, DataContract.model_validate(dict(CONTRACT)), registry)).text
    assert f"What is on trial{name}: {sentence}." in text


def test_without_rollouts_nothing_is_on_trial() -> None:
    plan = a_plan()
    document = explanation(plan)
    assert document["rollouts"] == []
    assert "On trial" not in dict(sections(plan, document))


def test_the_same_files_give_the_same_pages(specs: SpecFolder, tmp_path: Path) -> None:
    one = write_report(specs, tmp_path / "one")
    other = write_report(load_folder(SPECS), tmp_path / "other")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    assert one[0].name == "index.html"


def test_faulty_specs_and_a_folder_that_is_a_file_are_told(specs: SpecFolder, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    with pytest.raises(SpecError):
        write_report(load_folder(tmp_path / "specs"), tmp_path / "report")
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="can't be written"):
        write_report(specs, tmp_path / "file")


def test_the_command_says_where_to_begin(functions: Command, project: Path) -> None:
    target = project / "pages"
    done = functions("report", "--to", target)
    assert (done.returncode, done.stdout) == (0, f"2 pages written; begin with {target}/index.html\n")
    assert len(list(target.glob("*.html"))) == 2
