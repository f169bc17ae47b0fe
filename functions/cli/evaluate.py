"""`functions evaluate`: what decisions have brought, group against group, and what a draft would bring."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.cli.progress import through
from functions.documents import Json

if TYPE_CHECKING:
    from functions.analysis.drafts import Judged
    from functions.analysis.evaluation import Answered, Evaluated
    from functions.decision.estimators import Estimated
    from functions.spec.loading import SpecFolder

_EPILOG = """Decisions of functions with objectives or experiments, with the outcomes that were
recorded. Intervals hold in 95 of 100 cases; one that contains 0 shows no effect. A
sample ratio below 0.001 says that the groups were not drawn as declared: then find out
why, and believe no lift.

--draft judges another ranking (objectives, values, chances, costs, levers) by what was
logged, without trying it: what was allowed stays as it was logged. It needs decisions
that chance has made, those of the random group or of learning, and says nothing of what
chance never tried. A draft that learns is judged by the chances that it declares.

examples:
  functions evaluate
  functions evaluate --export > decisions.jsonl
  functions evaluate --decisions decisions.jsonl --draft drafts/feature_specs --json
  functions evaluate --decisions log     # what aws s3 sync has made of the lasting log
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("--decisions", metavar="PATH", help="a file or folder of a log instead of the store")
    parser.add_argument(
        "--draft", metavar="FOLDER", help="folder of specs with another ranking, to be judged"
    )
    parser.add_argument("--export", action="store_true", help="print the decisions as JSON lines, and end")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.analysis.evaluation import Answered
    from functions.cli import answers
    from functions.learning.trials import trial_from
    from functions.spec.loading import load_folder

    if arguments.export:
        for record, body in answers.of_store(console):
            console.json(answers.line_of(record, body), compact=True)
        return 0
    if arguments.decisions is not None:
        answered = answers.of_log(Path(arguments.decisions), console)
    else:
        answered = [Answered(trial_from(record), body) for record, body in answers.of_store(console)]
    each = through(console, "spec")
    specs = load_folder(specs_folder(console), each=each)
    drafts = load_folder(specs_folder(console, arguments.draft), each=each) if arguments.draft else None
    found = list(_evaluated(answered, specs, drafts, console))
    if arguments.json:
        console.json([_document(*one) for one in found])
        return 0
    for evaluated, judged in found:
        _print(evaluated, judged, console)
    if not found:
        console.err("no decision waits for an outcome yet")
    return 0


def _evaluated(
    answered: Sequence[Answered], specs: SpecFolder, drafts: SpecFolder | None, console: Console
) -> Iterator[tuple[Evaluated, Judged | None]]:
    from functions.analysis.evaluation import evaluate_groups

    by_function: dict[str, list[Answered]] = defaultdict(list)
    for one in answered:
        by_function[one.trial.function].append(one)
    for name, found in sorted(by_function.items()):
        if name not in specs.plans:
            console.err(f"{name}: no spec has this name any more; left out")
            continue
        judged = _judged(name, found, drafts, console) if drafts is not None else None
        yield evaluate_groups(name, found, specs.plans[name].experiments), judged


def _document(evaluated: Evaluated, judged: Judged | None) -> dict[str, Json]:
    return {**evaluated.as_document(), "draft": judged.as_document() if judged is not None else None}


def _judged(name: str, found: Sequence[Answered], drafts: SpecFolder, console: Console) -> Judged | None:
    from functions.analysis.drafts import judge_draft
    from functions.spec.problems import SpecError

    if drafts.errors:
        raise SpecError(drafts.errors)
    if name not in drafts.plans:
        return None
    try:
        return judge_draft(found, drafts.plans[name])
    except ValueError as error:
        console.err(f"{name}: the draft can't be judged: {error}")
        return None


def _print(evaluated: Evaluated, judged: Judged | None, console: Console) -> None:
    console.out(console.paint(evaluated.function, "bold"))
    for group, sample in evaluated.samples.items():
        rate = 100 * sample.successes / sample.size
        amount = f", {sample.total:,.2f} in all" if evaluated.tells_amounts else ""
        console.out(
            f"  {group}: {sample.size:,} customers, {sample.successes:,} converted ({rate:.1f} %){amount}"
        )
    for one in evaluated.comparisons:
        if one.rate is None:
            console.out(f"  {one.group} against {one.against}: too few customers")
            continue
        amount = f", {_number(one.amount)} more a customer" if one.amount is not None else ""
        console.out(f"  {one.group} against {one.against}: {_percent(one.rate)} converted more{amount}")
    doubt = "" if evaluated.sample_ratio_p >= 0.001 else "; the groups were not drawn as declared"
    console.out(f"  sample ratio: p = {evaluated.sample_ratio_p:.3g}{doubt}")
    if evaluated.moved:
        console.out(f"  left out: {evaluated.moved:,} customers who changed their group")
    if evaluated.tells_amounts and evaluated.untold:
        console.out(f"  no amount was told for {evaluated.untold:,} conversions; they count 0 in money")
    if judged is not None:
        _print_judged(judged, console)


def _print_judged(judged: Judged, console: Console) -> None:
    what = "" if judged.unit == "amount" else "conversions "
    console.out(
        f"  the draft, on {judged.decisions:,} decisions worth {judged.effective:,.0f}: "
        f"{_number(judged.dr)} {what}a decision (DR), {_number(judged.snips)} (SNIPS), "
        f"{_number(judged.ips)} (IPS); logged: {judged.logged:.3f}"
    )
    if judged.undrawn:
        console.out(f"  left out: {judged.undrawn:,} decisions in which chance had no choice")
    if judged.untried:
        share = 100 * judged.untried / (judged.untried + judged.decisions)
        console.out(
            f"  nothing is said of {judged.untried:,} drawn decisions ({share:.0f} %), in which the draft would do "
            "what chance never tried"
        )
    if judged.by_priors:
        console.out(
            "  the draft learns: it is judged by the chances that it declares, not by what it would learn"
        )


def _percent(found: Estimated) -> str:
    return f"{100 * found.value:+.2f} % ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def _number(found: Estimated) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
