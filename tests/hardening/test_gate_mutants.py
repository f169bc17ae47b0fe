"""Faults planted in consent, the gate and the log are found by the tests that stand for them.

Each mutant is one textual change. A copy of the package gets it, and the tests must fail on the copy. A few
run by default; `GATE_MUTANTS=all pytest tests/hardening/test_gate_mutants.py` runs every one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CANARIES = "tests/hardening/test_canaries.py"
PROPERTY = f"{CANARIES}::test_no_canary_is_found_that_the_declarations_do_not_account_for"
WITHOUT = f"{CANARIES}::test_without_consent_nothing_is_found_anywhere"
ON_THE_WAY = f"{CANARIES}::test_consent_that_goes_on_the_way_stops_what_has_not_left"
ARRIVES = f"{CANARIES}::test_what_is_declared_does_arrive_so_that_its_absence_would_be_seen"
TRIED = "tests/unit/runtime/test_function_rollouts.py"
PUBLISHED = "tests/unit/build/test_published.py"
LABELS = "tests/unit/governance/test_labels.py"
SOUND = "tests/hardening/test_labels_are_sound.py"
LINEAGE = "tests/unit/spec/test_lineage_gate.py"
GATE = "tests/unit/governance/test_gate.py"
WAYS = "tests/unit/spec/test_lineage_ways.py"
IDS = "tests/hardening/test_canaries_of_ids.py"
AT_THE_ACT = "tests/unit/runtime/test_aliases_at_the_act.py"
SUPPRESSION = "tests/unit/runtime/test_suppression.py"
SCREENING = "tests/unit/runtime/test_screening.py"
CONSENT = "tests/unit/runtime/test_consent.py"
MEMORY = "tests/unit/profiles/test_memory.py"
LOG = "tests/unit/handlers/test_log.py"

SECOND_CHECK = 'clearance = self._check_consent(snapshot, "before_action")'
CONDITION = "consents=_consents(draft) if draft.cleared else ()"
PREMISES = "tests/unit/runtime/test_premises.py"

MUTANTS = [
    # Consent: unknown counts as granted, expiry and beginning are ignored, other states pass.
    ("governance/consent.py", 'return "unknown"\n    if record', 'return "granted"\n    if record', WITHOUT),
    ("governance/consent.py", 'if record.status != "granted":', 'if record.status == "denied":', WITHOUT),
    ("governance/consent.py", "record.expires_at <= now", "False", WITHOUT),
    ("governance/consent.py", "if record.at - now > CLOCK_SKEW:", "if False:", WITHOUT),
    ("governance/consent.py", "record.expires_at <= now", "False", PROPERTY),
    ("governance/gate.py", "token=_TOKEN) if checked.passed else None", "token=_TOKEN)", WITHOUT),
    # The second check, at the commit and when something is sent again.
    ("runtime/run.py", f"{SECOND_CHECK}\n        if isinstance(clearance, Decision):", "if False:", ON_THE_WAY),
    ("runtime/drafting.py", CONDITION, "consents=()", ON_THE_WAY),
    ("runtime/drafting.py", "(draft.plan.consent, *(rail.consent", "(draft.plan.consent, *(draft.plan.consent", PREMISES),
    ("runtime/drafting.py", "marks=_marks(draft, action)", "marks=()", PREMISES),
    ("runtime/rechecking.py", "if not checked.passed:", "if False:", ON_THE_WAY),
    ("runtime/journal.py", "if not draft.cleared:", "if False:", ON_THE_WAY),
    # What a log may keep.
    ("handlers/log.py", '"features": list(receipt.features)', '"features": dict(receipt.features)', ARRIVES),
    ("handlers/log.py", '"bytes": payload.bytes,', '"bytes": payload.bytes, "body": payload.body,', ARRIVES),
    ("handlers/log.py", '"by": candidate.by,', '"by": candidate.by, "value": candidate.value,', LOG),
    ("handlers/log.py", '"experiment": _experiment(receipt.assignment),', '"experiment": receipt._experiment(),', LOG),
    # Labels: one is ignored, a whole is not everything below, what has no label passes.
    ("governance/labels.py", '({"direct-identifier", "sensitive"})', '({"direct-identifier"})', LINEAGE),
    ("governance/labels.py", "*beside, *self._below(steps, how)", "*beside", LABELS),
    ("governance/labels.py", "        if not holding:\n", "        if not holding and not beside:\n", SOUND),
    ("governance/labels.py", "if reading.label in GUARDED or not counted:", "if not counted:", LABELS),
    ("governance/labels.py", "passing and how is How.TYPE and any", "any", SOUND),
    ("governance/labels.py", "How.NULLNESS: 1}", "How.NULLNESS: 0}", LABELS),
    ("governance/labels.py", "and not _declassifies(short, long)", "", LABELS),
    ("governance/labels.py", "key=lambda rule: rule.specificity", "key=lambda rule: -len(rule.path)", LABELS),
    ("governance/labels.py", "(*touched, *beside, ", "(*touched, ", LABELS),
    ("governance/gate.py", "if not sent <= frozenset(leaving.may_leave):", "if False:", GATE),
    ("governance/gate.py", 'if getattr(checked, "token", None) is not _TOKEN:', "if False:", GATE),
    # The gate: purposes are ignored, sinks are forgotten, exceptions excuse more.
    ("spec/lineage_gate.py", "or self._spec.purpose in self._served_by(reading)", "or True", LINEAGE),
    ("spec/lineage_gate.py", "return may if reading.purposes is None else may & reading.purposes", "return may", LINEAGE),
    ("spec/lineage_gate.py", "if reading.label in GUARDED and end.leaves:", "if False:", LINEAGE),
    ("spec/lineage_exceptions.py", "path[: len(named)] != named", "path[:1] != named[:1]", LINEAGE),
    ("spec/lineage_exceptions.py", "if way in (one, None)]", "]", WAYS),
    ("spec/lineage_ways.py", "yield from self._ids()", "pass", LINEAGE),
    ("spec/lineage_ways.py", 'yield self._sink(f"score {name} of the profile", "score", name, [one])', "pass", LINEAGE),
    ("spec/lineage_ways.py", "for sink in self._sinks if output in sink.outputs]", "for sink in ()]", WAYS),
    ("spec/lineage_ways.py", "*(use for rung in rungs for use in rung.uses)", "", WAYS),
    ("spec/lineage_ways.py", "for use in self._reads.trigger:", "for use in ():", WAYS),
    ("spec/lineage_reads.py", "if how >= How.SIZE or path not in", "if path not in", WAYS),
    # A published policy: what is excused for the model, or guarded, leaves by a payload of it.
    ("build/published.py", 'if flow.to == "action" for name in', "for name in", PROPERTY),
    ("build/published.py", "not GUARDED.intersection(one.labels)", "True", PUBLISHED),
    ("build/published.py", "not any(_is_excused_elsewhere(plan, rung) for rung in rungs) and", "", PUBLISHED),
    # Trials: a shadow sends, writes scores, or its record holds what it read.
    ("decision/rollouts.py", 'if tried is None or tried.mode != "shadow":', "if True:", PROPERTY),
    ("runtime/drafting.py", "if not self.cleared or is_shadow or", "if not self.cleared or", TRIED),
    ("runtime/shadowing.py", "**_document(decision)}", '"of": self._document(trial.plan, draft)["profile"]}', PROPERTY),
    # Ids: plain in a log, an alias that is not followed, or that the act has forgotten.
    ("handlers/log.py", '"profile_id": hashed(receipt.profile_id)', '"profile_id": receipt.profile_id', IDS),
    ("handlers/log.py", '"id": hashed(receipt.event_id)', '"id": receipt.event_id', IDS),
    ("handlers/log.py", "name if name in known_names else hashed(name)", "name", IDS),
    ("runtime/run.py", "for _ in range(MAX_ALIASES):", "for _ in ():", IDS),
    ("runtime/rechecking.py", "if last.profile_id == own.profile_id else (own, last)", "", AT_THE_ACT),
    ("runtime/suppression.py", "(snapshot.profile_id, *known_as)", "(snapshot.profile_id,)", SUPPRESSION),
    # The act: what has expired, or is over a cap by now, still leaves.
    ("runtime/rechecking.py", "entry.expires_at <= now", "False", "tests/unit/runtime/test_ambiguous_acts.py"),
    ("runtime/rechecking.py", "found = found or _rule_obstacle(", "found or _rule_obstacle(", SUPPRESSION),
    # The detector: it finds nothing, blocks nothing, or is not asked.
    ("governance/detector.py", "for name, holds in _PATTERNS if holds(text)", "for name, holds in ()", SCREENING),
    ("runtime/journal.py", 'self.plan.governance.on_hit == "block"', "False", SCREENING),
    ("runtime/committing.py", "canonical_json(entry.message)", 'canonical_json(entry.message["payload"])', SCREENING),
    ("runtime/committing.py", "(request.outbox, *request.notices)", "(request.outbox,)", SCREENING),
    # What is kept without consent, for longer than agreed, or after an erasure.
    ("runtime/journal.py", "segment=None, ", "", CONSENT),
    ("runtime/drafting.py", "draft.plan.governance.keep_decisions or KEEP_DECISIONS", "KEEP_DECISIONS", CONSENT),
    ("profiles/memory.py", "self._kept.pop(profile_id, _Kept())", "self._kept.get(profile_id, _Kept())", MEMORY),
    ("profiles/memory.py", "responded = self.feedback.forget_feedback(profile_id)", "responded = False", MEMORY),
]  # fmt: skip
SHOWN = range(0, len(MUTANTS), 9)
"""A few of them, from every part of the list."""


def chosen() -> list[int]:
    return list(range(len(MUTANTS))) if os.environ.get("GATE_MUTANTS") == "all" else list(SHOWN)


@pytest.mark.parametrize("number", chosen())
def test_a_mutant_of_the_gate_is_killed(number: int, tmp_path: Path) -> None:
    module, old, new, tests = MUTANTS[number]
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    mutated = tmp_path / "functions" / module
    mutated.write_text(mutated.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))  # the copy comes first; the tests are no copy
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [*command, str(ROOT / tests)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 1, f"survived: {module}: {old} -> {new}"
    # Killed by what it lets out, not by being no Python.
    assert "error during collection" not in ran.stdout


@pytest.mark.parametrize(("module", "old", "new", "tests"), MUTANTS)
def test_every_mutant_still_applies_to_the_source(module: str, old: str, new: str, tests: str) -> None:
    assert old in (ROOT / "functions" / module).read_text(encoding="utf-8")
    assert old != new
    assert (ROOT / tests.partition("::")[0]).exists()
