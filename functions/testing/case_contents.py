"""What cases give and expect against the functions that they are about, without running them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from functions.decision.reasons import CONSENT_SENTENCES, REASONS
from functions.errors import every_error
from functions.spec.case_checks import UNKNOWN_EVENT, UNKNOWN_NAME, cases_path
from functions.spec.case_names import with_case_names
from functions.spec.cases import Case, CasesFile
from functions.spec.checking import check_document
from functions.spec.loading import SpecFolder, read_source
from functions.spec.plan import Plan
from functions.spec.problems import Problem, closest
from functions.spec.source import Path as Place
from functions.spec.source import Source


def check_contents(loaded: SpecFolder) -> Iterator[Problem]:
    """Yield the names in cases that nothing has, and the event files that are not there."""
    for name, plan in loaded.plans.items():
        source = read_source(cases_path(loaded.files[name]))
        cases = check_document(CasesFile, source)[0] if source.data is not None else None
        for index, case in enumerate(cases.cases if cases else ()):
            check = _Check(loaded, plan, source, ("cases", index))
            yield from with_case_names(source, check.problems(case))


class _Check:
    """One case against its function."""

    def __init__(self, loaded: SpecFolder, plan: Plan, source: Source, place: Place) -> None:
        self._loaded, self._plan, self._source, self._place = loaded, plan, source, place

    def problems(self, case: Case) -> Iterator[Problem]:
        """Yield what is wrong."""
        plan, expected = self._plan, case.expect
        if isinstance(case.given.event, str):
            yield from self._event(case.given.event)
        consents = (
            self._loaded.contract.sources().keys() if self._loaded.contract else set(case.given.consent)
        )
        features = {feature.name for feature in plan.features}
        yield from self._unknown("consent", case.given.consent, consents, ("given", "consent"))
        yield from self._unknown("feature", expected.features or (), features, ("expect", "features"))
        yield from self._unknown("feature", expected.imputed or (), features, ("expect", "imputed"))
        if expected.action is not None:
            actions = {action.name for action in plan.policy.actions}
            yield from self._unknown("action", [expected.action], actions, ("expect", "action"))
        if expected.reason is not None:
            yield from self._unknown("reason", [expected.reason], _reasons(), ("expect", "reason"))

    def _event(self, path: str) -> Iterator[Problem]:
        file = self._loaded.folder / path
        if file.is_file():
            return
        beside = [one.name for one in file.parent.glob("*.json")] if file.parent.is_dir() else []
        hint = closest(file.name, beside) or f"paths begin at the folder of the specs, {self._loaded.folder}"
        yield self._source.problem(
            (*self._place, "given", "event"), UNKNOWN_EVENT, f"there is no file {path!r}", hint=hint
        )

    def _unknown(
        self, what: str, names: Iterable[str], known: Set[str], below: tuple[str, str]
    ) -> Iterator[Problem]:
        for name in names:
            if name in known:
                continue
            is_key = self._source.has((*self._place, *below, name))
            place = (*self._place, *below, *((name,) if is_key else ()))
            message = f"there is no {what} {name!r}"
            yield self._source.problem(place, UNKNOWN_NAME, message, hint=closest(name, known), at_key=is_key)


def _reasons() -> set[str]:
    errors = {error.code for error in every_error()}
    return {*REASONS, *errors, *(f"consent.{verdict}" for verdict in CONSENT_SENTENCES)}
