"""What a rollout has changed, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.cli.console import Console, counted
from functions.cli.tables import render_table
from functions.spec.money import format_money

if TYPE_CHECKING:
    from functions.analysis.rollouts import Arm, Paired, Parted
    from functions.decision.estimators import Estimated
    from functions.documents import Json

_DOUBTFUL = 0.001


def print_rollout(found: Paired | Parted, head: dict[str, Json], console: Console) -> None:
    """Print what was found.

    Args:
        found: The figures.
        head: What is tried, how, for whom and since when.
        console: Where to.
    """
    from functions.analysis.rollouts import Paired

    since = f", since {head['since']}" if head["since"] else ""
    what = f"{head['mode']}: {head['tried']} in the place of {head['live']}"
    console.out(console.paint(f"{what}, for {head['share']:.4g} of the customers{since}", "bold"))
    if isinstance(found, Paired):
        _print_paired(found, head["currency"], console)
    else:
        _print_parted(found, head["currency"], console)


def _print_paired(found: Paired, currency: str | None, console: Console) -> None:
    number, different = found.live.decisions, found.moves.total()
    console.out(f"  {different:,} of {counted(number, 'decision')} would differ")
    changed = found.changed
    if changed is not None:
        console.out(f"  customers for whom anything would: {_percent(changed)}")
    for why, count in sorted(found.unknown.items()):
        console.out(f"  {count:,} not known: {why}")
    rows = [
        [f"  {name}", f"{found.live.actions[name]:,}", f"{found.tried.actions[name]:,}"]
        for name in sorted(found.live.actions.keys() | found.tried.actions.keys())
    ]
    rows.append(["  actions", f"{found.live.actions.total():,}", f"{found.tried.actions.total():,}"])
    if currency is not None:
        rows.append(["  spend", *(_spend(arm, currency) for arm in (found.live, found.tried))])
    for line in render_table(("", "in force", "tried"), rows, console):
        console.out(line)
    for (before, after), count in sorted(found.moves.items(), key=lambda item: (-item[1], item[0])):
        console.out(f"  {count:,}: {after} in the place of {before}")


def _print_parted(found: Parted, currency: str | None, console: Console) -> None:
    live, tried = found.live, found.tried
    if found.sample_ratio_p < _DOUBTFUL:
        console.out(
            "  the parts do not have the sizes that were drawn: find out why, and believe no difference"
        )
    rows = [
        ["  customers", f"{len(live.spend):,}", f"{len(tried.spend):,}", ""],
        ["  decisions", f"{live.decisions:,}", f"{tried.decisions:,}", ""],
        ["  actions", f"{live.actions.total():,}", f"{tried.actions.total():,}", ""],
    ]
    for name in found.actions():
        shares = [_share(len(arm.customers[name]), arm) for arm in (live, tried)]
        rows.append([f"  get {name}", *shares, _points(found.share_of(name))])
    reached = [_share(sum(number > 0 for number in arm.acted.values()), arm) for arm in (live, tried)]
    rows.append(["  get anything", *reached, _points(found.reach())])
    means = [_mean(arm.actions.total(), arm) for arm in (live, tried)]
    rows.append(["  actions a customer", *means, _plain(found.volume())])
    if currency is not None:
        spend = [_spend(arm, currency) for arm in (live, tried)]
        rows.append([f"  spend; {currency} a customer", *spend, _money(found.spend(), currency)])
    for line in render_table(("", "in force", "tried", "difference (95 %)"), rows, console):
        console.out(line)


def _percent(one: Estimated) -> str:
    return f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})"


def _points(one: Estimated | None) -> str:
    return f"{one.value:+.1%} ({one.low:+.1%} to {one.high:+.1%})" if one is not None else ""


def _plain(one: Estimated | None) -> str:
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})" if one is not None else ""


def _money(one: Estimated | None, currency: str) -> str:
    if one is None:
        return ""
    unit = 10 ** _decimals(currency)
    return f"{one.value / unit:+.2f} ({one.low / unit:+.2f} to {one.high / unit:+.2f})"


def _decimals(currency: str) -> int:
    from functions.spec.money import minor_units

    return len(str(minor_units(1, currency))) - 1


def _spend(arm: Arm, currency: str) -> str:
    return format_money(arm.spend.total(), currency)


def _share(number: int, arm: Arm) -> str:
    return f"{number / len(arm.spend):.1%}" if arm.spend else ""


def _mean(number: int, arm: Arm) -> str:
    return f"{number / len(arm.spend):.3f}" if arm.spend else ""
