"""What a simulation has found, in words and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from functions.cli.console import Console, counted
from functions.cli.tables import render_table
from functions.spec.money import format_money
from functions.times import format_instant

if TYPE_CHECKING:
    from functions.analysis.figures import Figures, Found, Side


def print_found(found: Found, currency: str | None, console: Console, *, ids: bool) -> None:
    """Print what was found.

    Args:
        found: The figures.
        currency: Of the costs; None where none is declared.
        console: Where to.
        ids: Whether the customers are named who newly get or lose something.
    """
    _print_basis(found, console)
    if found.total.decisions == 0:
        return
    for name, figures in sorted(found.functions.items()):
        console.out()
        console.out(
            console.paint(
                f"{name}: {figures.changed:,} of {counted(figures.decisions, 'decision')} differ", "bold"
            )
        )
        _print_figures(figures, currency, console)
        if ids:
            _print_ids(figures, console)
    if len(found.functions) > 1:
        console.out()
        console.out(console.paint(f"all functions: {found.total.changed:,} would differ", "bold"))
        _print_figures(found.total, currency, console)
    _print_rules(found, console)


def _print_basis(found: Found, console: Console) -> None:
    number = counted(found.total.decisions, "decision")
    between = (
        f", {format_instant(found.first)} to {format_instant(found.last)}"
        if found.first and found.last
        else ""
    )
    console.out(console.paint(f"{number} looked at{between}", "bold"))
    wrong = found.different.total()
    console.out(
        f"  check: by the policy of then {found.same:,} came out as recorded, to the last bit; {wrong:,} did not"
    )
    _print_counts(found.different, "    ", console)
    _print_group("could not be checked", found.unchecked, console)
    if found.settled:
        console.out(f"  {found.settled:,} ended for reasons that no policy changes")
    if found.present:
        console.out(
            f"  {found.present:,} judged on the customer's profile of today, which may have been another then"
        )
    _print_group("not known what the draft would do; left as they were", found.unknown, console)
    _print_group("not looked at", found.left_out, console)


def _print_group(what: str, counts: Counter[str], console: Console) -> None:
    if counts:
        console.out(f"  {counts.total():,} {what}")
        _print_counts(counts, "    ", console)


def _print_counts(counts: Counter[str], indent: str, console: Console) -> None:
    for why, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        console.out(f"{indent}{number:,}: {why}")


def _print_figures(figures: Figures, currency: str | None, console: Console) -> None:
    document = figures.as_document(ids=False)
    rows = [
        [f"  {name}", f"{one['before']:,}", f"{one['after']:,}", f"{one['newly']:,}", f"{one['no_longer']:,}"]
        for name, one in document["by_action"].items()
    ]
    actions, customers = document["actions"], document["customers"]
    rows.append(["  actions", f"{actions['before']:,}", f"{actions['after']:,}", "", ""])
    rows.append(
        ["  customers", *(f"{customers[key]:,}" for key in ("before", "after", "newly", "no_longer"))]
    )
    if currency is not None:
        spend = [_spend(side, currency) for side in (figures.before, figures.after)]
        rows.append(["  spend", *spend, "", ""])
    header = ("", "before", "after", "newly get it", "no longer")
    for line in render_table(header, rows, console):
        console.out(line)


def _spend(side: Side, currency: str) -> str:
    return format_money(side.spend, currency)


def _print_ids(figures: Figures, console: Console) -> None:
    for name in sorted(figures.before.customers.keys() | figures.after.customers.keys()):
        before, after = figures.before.customers.get(name, set()), figures.after.customers.get(name, set())
        _print_names(f"newly get {name}", after - before, console)
        _print_names(f"no longer get {name}", before - after, console)


def _print_names(what: str, ids: Iterable[str], console: Console) -> None:
    found = sorted(ids)
    if found:
        console.out(f"  {what}: {', '.join(found)}")


def _print_rules(found: Found, console: Console) -> None:
    if not found.takes:
        console.out()
        console.out("nothing would have changed")
        return
    console.out()
    rows = [
        [rule, f"{found.takes[rule]:,}", f"{found.gives[rule]:,}"]
        for rule in sorted(found.takes, key=lambda rule: (-found.takes[rule] - found.gives[rule], rule))
    ]
    for line in render_table(("what makes the difference", "actions gone", "actions new"), rows, console):
        console.out(line)
