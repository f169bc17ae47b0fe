"""A folder of specs: what its files are called, how they are read together, and one function out of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from functions.documents import Json, content_hash
from functions.errors import UnknownFunctionError
from functions.expressions import Expression, compile_expression
from functions.governance.contract import DataContract
from functions.governance.statements import ConsentSources
from functions.spec.action_rules import action_plan, channel_plans, check_registry
from functions.spec.checking import check_document, find_faults
from functions.spec.collecting import Collector
from functions.spec.compiling import Shared, SpecCompiler
from functions.spec.contract_rules import check_contract
from functions.spec.experiment_plan import NO_EXPERIMENTS, ExperimentsPlan
from functions.spec.experiments import (
    ExperimentsFile,
    check_alike,
    check_experiments,
    check_functions,
    compile_experiments,
)
from functions.spec.language import Spec
from functions.spec.objective_rules import check_objectives
from functions.spec.objectives import compile_ranking
from functions.spec.plan import Plan, Policy
from functions.spec.policy import PolicyFile
from functions.spec.policy_checks import check_rails
from functions.spec.policy_rules import RailCompiler
from functions.spec.problems import Problem, SpecError, closest
from functions.spec.rails import Rail
from functions.spec.ranking_plan import RankingPlan
from functions.spec.registry import Registry
from functions.spec.salvage import Salvage, salvage
from functions.spec.schema_walk import expressions_in
from functions.spec.source import Path as Place
from functions.spec.source import Source
from functions.spec.yaml_reader import MAX_FILE_BYTES, read_yaml
from functions.times import utc_now

CONTRACT_FILE = "contract.yaml"
REGISTRY_FILE = "actions.yaml"
EXPERIMENTS_FILE = "experiments.yaml"
POLICY_FILE = "policy.yaml"
CASES_SUFFIX = ".cases.yaml"
_SHARED_FILES = (CONTRACT_FILE, REGISTRY_FILE, POLICY_FILE, EXPERIMENTS_FILE)


@dataclass(frozen=True, slots=True)
class SpecFolder:
    """What a folder of specs holds.

    Attributes:
        folder: Where it is.
        plans: Every function without errors, by name.
        files: The file of every function, also of those with errors; by its stem where no name can be read.
        contract: The data contract; None when it has errors.
        registry: The action registry; None when its shape has errors.
        experiments: The holdout and the experiments; None when their file has errors.
        problems: Everything that is wrong, sorted by file and place.
    """

    folder: Path
    plans: Mapping[str, Plan]
    files: Mapping[str, Path]
    contract: DataContract | None
    registry: Registry | None
    experiments: ExperimentsPlan | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a build."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One file: the name it gives, or its stem where none can be read."""

    path: Path
    source: Source
    name: str
    named: bool
    plan: Plan | None
    problems: tuple[Problem, ...]


def load_folder(folder: Path, *, each: Callable[[Collection[Path]], Iterable[Path]] = iter) -> SpecFolder:
    """Read, check and compile every spec of a folder; problems are collected, not raised.

    Args:
        folder: Where the specs are, and what they share.
        each: Hands out the files one by one, and may tell how far it is.
    """
    return _load_files(folder, each(tuple(spec_files(folder))))


def _load_files(folder: Path, paths: Iterable[Path]) -> SpecFolder:
    problems: list[Problem] = []
    shared, contract = _load_shared(folder, problems)
    experiments = _load_experiments(folder, problems)
    loaded = [experiments.applied(_load_spec(path, shared)) for path in paths]
    files: dict[str, Path] = {}
    for one in sorted(loaded, key=lambda one: not one.named):
        files.setdefault(one.name, one.path)
    problems.extend(experiments.check_functions(loaded))
    twice = list(_check_names(loaded))
    ambiguous = {one.name for one, _ in twice}
    problems.extend(problem for one in loaded for problem in one.problems)
    problems.extend(problem for _, problem in twice)
    plans = {one.name: one.plan for one in loaded if one.plan is not None and one.name not in ambiguous}
    # An expression of the registry is compiled for every spec that uses it; one report of it is enough.
    return SpecFolder(
        folder, plans, files, contract, shared.registry, experiments.plan, tuple(sorted(set(problems)))
    )


def _load_spec(path: Path, shared: Shared) -> _Loaded:
    source = read_source(path)
    spec, faults = find_faults(Spec, source)
    problems = [*source.problems, *(fault.problem for fault in faults)]
    salvaged = None
    if spec is None and (salvaged := salvage(source.data, [fault.path for fault in faults])):
        spec = salvaged.spec
        problems.extend(_check_cut(source, salvaged))
    plan = None
    if spec is not None:
        compiler = SpecCompiler(spec, source, shared, salvaged)
        plan = compiler.compile()
        problems.extend(compiler.problems)
    given = source.data.get("name") if isinstance(source.data, dict) else None
    named = isinstance(given, str)
    name = given if isinstance(given, str) else path.stem
    return _Loaded(path, source, name, named, None if source.problems else plan, tuple(problems))


def _check_cut(source: Source, salvaged: Salvage) -> Iterator[Problem]:
    """Yield what is wrong with the expressions in parts that could not be checked as a whole."""
    collector = Collector(source)
    for part in sorted(salvaged.cut, key=str):
        if source.has(part):
            for path, text in expressions_in(Spec, source.data, part):
                collector.check(path, text)
    yield from collector.problems


def _check_names(loaded: Iterable[_Loaded]) -> Iterator[tuple[_Loaded, Problem]]:
    by_name: dict[str, list[_Loaded]] = {}
    for one in loaded:
        if one.named:
            by_name.setdefault(one.name, []).append(one)
    for name, several in by_name.items():
        for one in several:
            others = ", ".join(other.path.name for other in several if other is not one)
            if others:
                message = f"the name {name!r} is also given by {others}"
                yield one, one.source.problem(("name",), "spec.duplicate_name", message)


def load_function(folder: Path, name: str) -> Plan:
    """Return the plan of one function; faults in other specs do not stand in its way.

    Raises:
        UnknownFunctionError: No spec of the folder has this name.
        SpecError: Its spec, or a file that all specs share, has errors.
    """
    # A file that does not hold the name can neither be this function nor claim its name.
    plan = _load_files(folder, (path for path in spec_files(folder) if _holds(path, name))).plans.get(name)
    if plan is not None:
        return plan
    loaded = load_folder(folder)
    path = loaded.files.get(name)
    if path is None:
        hint = closest(name, loaded.files) or f"there is no spec in {folder}"
        raise UnknownFunctionError(f"no function is called {name!r}", hint=hint)
    raise SpecError(
        problem
        for problem in loaded.errors
        if Path(problem.file) == path or Path(problem.file).name in _SHARED_FILES
    )


def _holds(path: Path, name: str) -> bool:
    try:
        return path.stat().st_size <= MAX_FILE_BYTES and name.encode() in path.read_bytes()
    except OSError:
        return False


def spec_files(folder: Path) -> Iterator[Path]:
    """Yield the spec files of a folder, sorted by name."""
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        if not is_shared_file(path.name) and not path.name.endswith(CASES_SUFFIX):
            yield path


def is_shared_file(name: str) -> bool:
    """Say whether a file of this name belongs to all specs of a folder."""
    return name in _SHARED_FILES


def read_source(path: Path) -> Source:
    """Read one YAML file; a file that can't be read is a problem like any other."""
    try:
        if path.exists() and not path.is_file():
            return _unreadable(path, "yaml.unreadable", "this is no file")
        if path.stat().st_size > MAX_FILE_BYTES:
            return _unreadable(path, "yaml.too_large", f"the file is over {MAX_FILE_BYTES:,} bytes")
        return read_yaml(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError:
        return _unreadable(path, "yaml.syntax", "the file is no UTF-8 text")
    except OSError as error:
        return _unreadable(path, "yaml.unreadable", f"the file can't be read: {error.strerror}")


def _unreadable(path: Path, code: str, message: str) -> Source:
    return Source(file=str(path), text="", problems=[Problem(str(path), 0, 0, code, message)])


def _load_shared(
    folder: Path, problems: list[Problem], registry_file: Path | None = None, policy_file: Path | None = None
) -> tuple[Shared, DataContract | None]:
    contract_source = _shared_source(folder / CONTRACT_FILE, "the data contract: purposes and their consent")
    registry_path = registry_file or folder / REGISTRY_FILE
    registry_source = _shared_source(registry_path, "the registry of actions and channels")
    contract, found = check_document(DataContract, contract_source)
    problems.extend(found)
    if contract is not None:
        problems.extend(_check_consents(contract, contract_source))
        found = list(check_contract(contract, contract_source))
        problems.extend(found)
        contract = None if found else contract
    registry, found = check_document(Registry, registry_source)
    problems.extend(found)
    if registry is not None:
        problems.extend(check_registry(registry, registry_source))
    policy_source = read_source(policy_file) if policy_file is not None else _policy_source(folder)
    rails, ranking, found = _load_rails(policy_source, registry, registry_source, contract)
    problems.extend(found)
    shared = Shared(
        contract=contract,
        registry=registry,
        registry_source=registry_source,
        rails=rails,
        ranking=ranking,
        contract_hash=content_hash(contract_source.data),
        policy_hash=content_hash([_without_channels(registry_source.data), policy_source.data]),
    )
    return shared, contract


def _without_channels(registry: Json) -> Json:
    """Return what of the registry is policy: channels belong to the deployment, as do their rights."""
    if not isinstance(registry, dict):
        return None
    return {key: section for key, section in registry.items() if key != "channels"}


def _policy_source(folder: Path) -> Source:
    """Read the rails; a folder without the file has none."""
    path = folder / POLICY_FILE
    return read_source(path) if path.exists() else Source(file=str(path), text="", data={})


def _load_rails(
    source: Source, registry: Registry | None, registry_source: Source, contract: DataContract | None
) -> tuple[tuple[Rail, ...] | None, RankingPlan | None, list[Problem]]:
    """Return the rails, None where there are errors, the ranking, and every problem."""
    policy, problems = check_document(PolicyFile, source)
    if policy is None or registry is None:
        return None, None, problems
    compiler = RailCompiler(source, registry, contract)
    rails = compiler.compile(policy)
    problems.extend(compiler.collector.problems)
    problems.extend(
        check_rails(rails, policy, registry, source=source, actions=registry_source, now=utc_now())
    )
    problems.extend(check_objectives(policy, registry, source=source, actions=registry_source))
    sound = not any(problem.severity == "error" for problem in problems)
    return (
        (rails if sound else None),
        compile_ranking(policy.objectives, policy.ranking, policy.learning),
        problems,
    )


def _check_consents(contract: DataContract, source: Source) -> Iterator[Problem]:
    """Yield the consents that words are given for and that no purpose needs: a slip of the pen, mostly."""
    needed = {purpose.consent for purpose in contract.purposes.values()}
    for name in contract.consents:
        if name not in needed:
            message, hint = f"no purpose needs the consent {name!r}", closest(name, needed)
            yield source.problem(("consents", name), "spec.unknown_consent", message, hint=hint, at_key=True)


@dataclass(frozen=True, slots=True)
class _Experiments:
    """What `experiments.yaml` says; the plan is None when it has errors, and empty when there is no such file."""

    plan: ExperimentsPlan | None
    file: ExperimentsFile | None = None
    source: Source | None = None

    def applied(self, loaded: _Loaded) -> _Loaded:
        """Return a function with what concerns it; without a plan where it is not known who is held out."""
        if loaded.plan is None or self.plan is None or self.plan == NO_EXPERIMENTS:
            return loaded if self.plan is not None else replace(loaded, plan=None)
        return replace(loaded, plan=replace(loaded.plan, experiments=self.plan.of(loaded.name)))

    def check_functions(self, loaded: Iterable[_Loaded]) -> Iterable[Problem]:
        """Return the problems of functions that nobody knows, and of those that can't be tried for another one."""
        if self.file is None or self.source is None:
            return ()
        collector, every = Collector(self.source), list(loaded)
        check_functions(self.file, collector, (one.name for one in every))
        check_alike(self.file, collector, {one.name: one.plan for one in every if one.plan is not None})
        return collector.problems


def _load_experiments(folder: Path, problems: list[Problem]) -> _Experiments:
    path = folder / EXPERIMENTS_FILE
    if not path.exists():
        return _Experiments(NO_EXPERIMENTS)
    source = read_source(path)
    file, found = check_document(ExperimentsFile, source)
    problems.extend(found)
    if file is None:
        return _Experiments(None)
    collector = Collector(source)
    check_experiments(file, collector)
    problems.extend(collector.problems)
    plan = compile_experiments(file) if not collector.errors else None
    return _Experiments(plan, file, source)


def _shared_source(path: Path, what: str) -> Source:
    if not path.exists():
        return _unreadable(path, "spec.missing_file", f"the folder has no {path.name}: {what}")
    return read_source(path)


def load_consents(folder: Path) -> ConsentSources:
    """Return what platforms call the consents of the data contract of a folder.

    Raises:
        SpecError: The contract has errors.
    """
    source = _shared_source(folder / CONTRACT_FILE, "the data contract: purposes and their consent")
    contract, problems = check_document(DataContract, source)
    if contract is None:
        raise SpecError(problems)
    return contract.sources()


def load_policy(
    folder: Path, *, registry_file: Path | None = None, policy_file: Path | None = None
) -> Policy:
    """Return every action, channel and rail of a folder, whether a function uses it or not.

    Args:
        folder: Where they are.
        registry_file: In the place of the folder's own registry.
        policy_file: In the place of its own rails.

    Raises:
        SpecError: The registry or the rails have errors.
    """
    problems: list[Problem] = []
    shared, _ = _load_shared(folder, problems, registry_file, policy_file)
    errors = [one for one in problems if one.severity == "error" and Path(one.file).name != CONTRACT_FILE]
    if shared.registry is None or shared.rails is None or errors:
        raise SpecError(errors)
    registry = shared.registry
    actions = tuple(
        action_plan(name, action, registry.currency, over=_compiled, payload_over=_compiled)
        for name, action in registry.actions.items()
    )
    return Policy(
        shared.policy_hash, registry.currency, actions, channel_plans(registry), shared.rails, shared.ranking
    )


def _compiled(_: Place, text: str) -> Expression:
    return compile_expression(text)
