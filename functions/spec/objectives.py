"""What the marketer wants more of: the sections of `policy.yaml` by which layer two ranks and learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from functions.governance.durations import Duration
from functions.spec.fields import Name, Section
from functions.spec.ranking_plan import LearningPlan, ObjectivePlan, RankingPlan, clamped

Finite = Annotated[float, Field(allow_inf_nan=False)]


def _limits(value: list[float]) -> list[float]:
    low, high = value
    if not 0 <= low <= 1 <= high:
        raise ValueError("the limits of levers are two numbers around 1, the smaller first, none below 0")
    return value


class Objective(Section):
    """One thing the marketer wants more of."""

    weight: Annotated[Finite, Field(ge=0)] = Field(
        default=1.0, description="What one unit of its value counts in the sum."
    )
    tolerance: Annotated[Finite, Field(ge=0)] = Field(
        default=0.0,
        description="With `by: order`: what is this close to the best counts as equal, and the next objective decides.",
    )
    kind: Literal["rate", "amount"] = Field(
        default="rate",
        description="`rate`: it happens or not, and is worth the `value` of the action. `amount`: money itself; "
        "`chance` gives the amount that is expected.",
    )
    outcomes: Annotated[
        list[Literal["shown", "clicked", "accepted", "converted"]], Field(min_length=1, max_length=4)
    ] = Field(default=["converted"], description="Which outcomes count as a success, for learning.")


class Ranking(Section):
    """How objectives, cost and risk make one order."""

    by: Literal["sum", "order"] = Field(
        default="sum",
        description="`sum` adds the objectives by their weights. `order` asks the first, and the next only among those "
        "within its tolerance; cost and risk come last.",
    )
    risk_aversion: Annotated[Finite, Field(ge=0)] = Field(
        default=0.0, description="What a risk of 1 costs, in the currency of the registry."
    )
    levers: dict[Name, Annotated[Finite, Field(ge=0)]] = Field(
        default={},
        description="Action to a factor of its gain, to push or to hold it back; held within the limits.",
    )
    lever_limits: Annotated[list[Finite], Field(min_length=2, max_length=2), AfterValidator(_limits)] = Field(
        default=[0.5, 2.0], description="The smallest and the largest factor that a lever may have."
    )


class Learning(Section):
    """How estimates follow from responses. Without the section nothing is learned and nothing is drawn."""

    prior_weight: Annotated[Finite, Field(gt=0, le=1e6)] = Field(
        default=20.0, description="For how many responses the declared chance counts."
    )
    prior_deviation: Annotated[Finite, Field(gt=0)] = Field(
        default=1.0, description="Standard deviation of one amount, as long as few are known."
    )
    half_life: Duration | None = Field(
        default=None, description="After this long a response counts half; without it all count alike."
    )
    floor: Annotated[Finite, Field(ge=0, le=0.5)] = Field(
        default=0.01,
        description="The least chance that every allowed action, and do-nothing, has of being drawn.",
    )
    window: Duration = Field(
        default_factory=lambda: LearningPlan().window,
        description="How long a response counts for the decision before it; then no response counts as none.",
        json_schema_extra={"default": "7d"},
    )


def compile_ranking(
    objectives: dict[str, Objective], ranking: Ranking, learning: Learning | None
) -> RankingPlan | None:
    """Return what the sections say; None where no objective is declared."""
    if not objectives:
        return None
    low, high = ranking.lever_limits
    return RankingPlan(
        objectives=tuple(
            ObjectivePlan(name, one.weight, one.tolerance, one.kind, tuple(one.outcomes))
            for name, one in objectives.items()
        ),
        by="weighted" if ranking.by == "sum" else "lexicographic",
        risk_aversion=ranking.risk_aversion,
        levers={name: clamped(lever, (low, high)) for name, lever in ranking.levers.items()},
        learning=_learning(learning) if learning is not None else None,
    )


def _learning(section: Learning) -> LearningPlan:
    return LearningPlan(
        prior_weight=section.prior_weight,
        prior_deviation=section.prior_deviation,
        half_life=section.half_life,
        floor=section.floor,
        window=section.window,
    )
