"""What a card says in words: whether the model has skill, how it was judged, what it is not for, its limits.

A sentence that is true of every model stands here as it is; one that depends on the figures is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from aurora.models.catalogue import REAL_COHORT, ModelSpec
from aurora.models.folds import FoldPlan
from aurora.models.intervals import COVERAGE
from aurora.models.lift import LEAST_PEOPLE, Lift
from pipelines.training.candidate import Candidate, Judgement
from pipelines.training.evaluation import slices_of
from pipelines.training.model_card.coverage import EVERYBODY, Share
from pipelines.training.model_card.tables import CEILING, MetricTable

Kind = Literal["skill", "little_skill", "no_skill", "unknown", "leak"]

FEW_PEOPLE: Final = 30
LITTLE_SKILL: Final = 0.02
"""A gain of a smaller share of the baseline's loss may be sure, and is still hardly worth a model."""
COVERS_BADLY: Final = 0.05
"""By how much the coverage of a slice may miss its promise before the card speaks of it."""


@dataclass(frozen=True)
class Standing:
    """Whether the model is worth asking, in one word and in sentences."""

    kind: Kind
    sentence: str


def standing(lift: Lift, baseline: str, judgement: Judgement, spec: ModelSpec) -> Standing:
    """Skill is a lift per person over the best baseline that chance does not explain; `lift` is over that."""
    if judgement.verdict.suspects_leak:
        return Standing(
            "leak", "Do not use this model: it is better than anything honest can be. Look for a leak."
        )
    if lift.people < LEAST_PEOPLE:
        return Standing(
            "unknown",
            f"Whether this model has any skill is not known: it was judged on {counted(lift.people, 'person')}, "
            f"and fewer than {LEAST_PEOPLE} say nothing.",
        )
    if lift.lower > 0:
        little = lift.relative < LITTLE_SKILL
        return Standing(
            "little_skill" if little else "skill",
            f"This model has {'little ' if little else ''}skill: on days that it had not seen it "
            f"was better than the best baseline (`{baseline}`). {_interval(lift, spec)}",
        )
    if lift.upper < 0:
        return Standing(
            "no_skill",
            f"This model has no skill: on days that it had not seen the best baseline (`{baseline}`) was better. "
            f"{_interval(lift, spec)} Ask the baseline instead.",
        )
    return Standing(
        "no_skill",
        f"This model has shown no skill: on days that it had not seen it cannot be told from the best baseline "
        f"(`{baseline}`). {_interval(lift, spec)} Ask the baseline instead.",
    )


def question(spec: ModelSpec) -> str:
    """What the model answers."""
    low, high = (f"{end:g}".replace("-", "−") for end in spec.scale)
    if spec.kind == "regression":
        return (
            f"What would this person say of their {spec.label.lower()} if asked now? A rating from {low} to {high}, "
            f"with an interval that is meant to hold {percent(COVERAGE, 0)} of what people then say."
        )
    classes = ", ".join(name.replace("_", " ") for name in spec.classes)
    return (
        f"What would this person say of their {spec.label.lower()} if asked now? A probability for each of "
        f"{len(spec.classes)} classes ({classes}), and the expected {spec.unit} from {low} to {high} with an interval "
        f"that is meant to hold {percent(COVERAGE, 0)} of what people then say."
    )


def audience(cohort: str, *, simulated: bool) -> str:
    """Whom the model answers."""
    if cohort == REAL_COHORT:
        return "The people who use AURORA, and nobody else."
    if simulated:
        return f"The simulated people of cohort `{cohort}`; it never answers a real person."
    return f"The people of cohort `{cohort}`; it never answers anybody else."


def protocol(candidate: Candidate) -> tuple[str, ...]:
    """How the model was judged."""
    held_out, plan, spec = candidate.held_out, candidate.plan, candidate.rows.spec
    folds = len(np.unique(held_out.fold))
    cold = (
        f"{counted(held_out.cold, 'rating')} of people without any rating in the weeks before, with nothing to start "
        "from, are judged apart."
        if held_out.cold
        else "Everybody had ratings to start from, so that every rating of these days is judged."
    )
    judged = (
        f"{counted(len(held_out.number), 'rating')} of {counted(len(np.unique(held_out.users)), 'person')}"
    )
    return (
        (
            f"Rolling origin: the recipe is trained on what was known at a cut-off, answers the {plan.step_days} "
            f"days after it, and steps on; {_held_out_days(plan)}, in {counted(folds, 'fold')}."
        ),
        (
            "The cut-off is one of arrival: a rating that was given before it and became known after it was not "
            f"trained on. Each fold learns from the {plan.train_window_days} days before its cut-off."
        ),
        f"{judged} are judged, the same for the model and every baseline. {cold}",
        (
            "The registered model was then trained anew by the same recipe, on the last "
            f"{spec.train_window_days} days up to the end of the data. The figures are those of the folds: there are "
            "no days that it has not seen."
        ),
        (
            "`served` is what people would have been told: the model, or the baseline for whom that was clearly better "
            "by the folds before. The gate judges the model."
        ),
        "Bounds of 95 % come from drawing people anew, not ratings: ratings of one person resemble each other.",
    )


NOT_FOR: Final = (
    (
        "Diagnosis, treatment, triage or alarms. It says what a person would rate, not how healthy they are: a low "
        "answer is no sign of illness, and a high one no proof of health."
    ),
    (
        "Decisions about a person by somebody else, such as an employer, an insurer, a trainer or an authority. It "
        "learned from what people said for themselves; they would answer otherwise if it counted."
    ),
    "Comparing people. It starts from each person's own ratings, and one person's six is another's eight.",
    "Saying what causes what. Shares of features and what-ifs are associations in the people it learned from.",
    "People of another cohort, and moments long after the data ended: neither was judged.",
)


def limits(
    candidate: Candidate,
    *,
    table: MetricTable,
    lift: Lift,
    coverage: Mapping[str, Share],
    judgement: Judgement,
) -> tuple[str, ...]:
    """What to keep in mind, from the figures of this very model."""
    return tuple(
        sentence
        for sentence in (
            _few_people(lift),
            _where_the_baseline_wins(table),
            _served_by_the_baseline(candidate),
            "Without a rating in the last 28 days it has nothing to start from, and a baseline answers.",
            _interval_limits(coverage),
            _unjudged_slices(candidate, judgement),
            _ceiling_limits(table),
            (
                "The people who rate are those who wished to, at moments that they chose; of other moments it knows "
                "nothing."
            ),
        )
        if sentence is not None
    )


def counted(number: int, noun: str) -> str:
    """A number with its noun, e.g. "1 person", "1,204 people"."""
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def ratings_of(ratings: int, people: int) -> str:
    """How many ratings of how many people."""
    return f"{counted(ratings, 'rating')} of {counted(people, 'person')}"


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 in per cent."""
    return f"{share:.{digits}%}".replace("%", "\N{NO-BREAK SPACE}%")


def signed(value: float) -> str:
    """A difference with its sign, to four digits as in the sentences of the gate."""
    return f"{value:+.4f}".replace("-", "−")


def _loss(spec: ModelSpec) -> str:
    return f"absolute error in {spec.unit}" if spec.kind == "regression" else "ranked probability score"


def _interval(lift: Lift, spec: ModelSpec) -> str:
    return (
        f"Per person its {_loss(spec)} is {abs(lift.mean):.3f} {'less' if lift.mean >= 0 else 'more'}, which is "
        f"{percent(abs(lift.relative))} of the baseline's (95 % interval of the lift {signed(lift.lower)} to "
        f"{signed(lift.upper)})."
    )


def meeting_new_people(candidate: Candidate) -> str:
    """Whom the model had not met, and how it was judged on them."""
    judged = candidate.new_people
    if judged is None:
        return "Too few people to leave some of them out: how it does for new ones is not known."
    people = len(np.unique(judged.users))
    return (
        f"{ratings_of(len(judged.number), people)} who were left out of the training of their fold, on the same days. "
        "They had rated before, and their own ratings are its input; but it had learned from others only."
    )


def _held_out_days(plan: FoldPlan) -> str:
    if plan.held_out_days is None:
        return f"every day after the first {plan.first_train_days} was held out"
    return f"the last {plan.held_out_days} days were held out"


def _few_people(lift: Lift) -> str | None:
    if lift.people >= FEW_PEOPLE:
        return None
    return (
        f"It was judged on {counted(lift.people, 'person')}. That is few: the bounds above are rough, and slices "
        "say little."
    )


def _where_the_baseline_wins(table: MetricTable) -> str | None:
    if not table.lost:
        return None
    told = "; ".join(f"{metric} ({', '.join(names)})" for metric, names in table.lost.items())
    return f"By some metrics a baseline is better than the model: {told}."


def _served_by_the_baseline(candidate: Candidate) -> str | None:
    people = len(candidate.fitted.metadata.baseline_people)
    if not people:
        return None
    was = "was" if people == 1 else "were"
    return (
        f"{counted(people, 'person')} {was} clearly better served by the baseline on their recent days; the baseline "
        "answers them."
    )


def _interval_limits(coverage: Mapping[str, Share]) -> str:
    if not coverage:
        return "Whether its intervals hold what they promise was not judged: that takes at least two folds."
    off = {
        name: share.value
        for name, share in coverage.items()
        if name != EVERYBODY and abs(share.value - COVERAGE) > COVERS_BADLY
    }
    held = f"Its intervals held {percent(coverage[EVERYBODY].value)} of the ratings"
    told = f"{held} where {percent(COVERAGE, 0)} are promised"
    if not off:
        return f"{told}, on average and not for each person."
    return f"{told}, but {', '.join(f'{percent(value)} in {name}' for name, value in off.items())}."


def _unjudged_slices(candidate: Candidate, judgement: Judgement) -> str | None:
    alone = sorted(set(slices_of(candidate.held_out)) - set(judgement.slices))
    if not alone:
        return None
    return f"Too few people to judge a lift in {', '.join(alone)} (fewer than {LEAST_PEOPLE})."


def _ceiling_limits(table: MetricTable) -> str | None:
    if table.answerers[-1].name != CEILING:
        return None
    return (
        "The people are simulated, every cause of their ratings is recorded, and the figures say how well the recipe "
        "finds what is known to be there. Of real people nothing of this can be promised."
    )
