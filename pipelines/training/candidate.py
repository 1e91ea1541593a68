"""A candidate: a freshly trained model with everything that was found out about it, ready to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from aurora.models.catalogue import ModelSpec
from aurora.models.folds import FoldPlan, training_rows
from aurora.models.gate import Footprint, Verdict, judge
from aurora.models.lift import Lift, slice_lifts, user_lift
from aurora.models.metrics import absolute_error, ranked_probability_score
from aurora.predictions.artifact import person_digest
from pipelines.training.alias_history import TakenBack
from pipelines.training.champion import EVALUATION_FOLDER, MODEL_CARD_FILE, Champion
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.evaluation import (
    HeldOut,
    honest_coverage,
    intervals_of,
    metrics_by_answerer,
    metrics_without_history,
    slices_of,
)
from pipelines.training.fallback import better_served_by_the_baseline
from pipelines.training.fitting import Fitted, fit, with_reference
from pipelines.training.footprint import footprint_of
from pipelines.training.halves import with_halves
from pipelines.training.judged import Judged
from pipelines.training.new_people import evaluate_new_people, metrics_of_new_people
from pipelines.training.rows import TrainingRows


@dataclass(frozen=True)
class Judgement:
    """What the gate said, against whom, and the lifts behind it."""

    reference: str
    is_refit: bool
    lift: Lift
    slices: Mapping[str, Lift]
    verdict: Verdict


@dataclass(frozen=True)
class Candidate:
    """The model refitted on all recent days, and what its recipe did on days it had not seen."""

    rows: TrainingRows
    plan: FoldPlan
    held_out: HeldOut
    fitted: Fitted
    artifact: bytes
    metrics: dict[str, float]
    """`<metric>/<answerer>`: the model and each baseline under the same metric."""
    footprint: Footprint
    new_people: Judged | None = None
    """Held-out rows of people whom their fold's model had not met; None where there are too few."""


def build_candidate(
    rows: TrainingRows, plan: FoldPlan, held_out: HeldOut, *, engine: Engine = IN_PROCESS
) -> Candidate | None:
    """Refit on the last days of the window, calibrate on the held-out answers; None without rows."""
    chosen = training_rows(rows.as_of, rows.known_at, rows.until, rows.spec.train_window_days)
    latest = held_out.latest
    rounds = round(float(np.median(held_out.rounds)))
    like = replace(latest, choices=replace(latest.choices, rounds=rounds))
    fitted = fit(rows, chosen, like=like, engine=engine)
    if fitted is None:
        return None
    fitted = with_halves(fitted, rows, chosen, engine=engine).with_(
        intervals=intervals_of(held_out),
        baseline_people=_people_for_the_baseline(held_out),
        trained={
            "until": rows.until,
            "window": rows.window(),
            "window_days": rows.spec.train_window_days,
            "rows": len(chosen),
            "people": len(np.unique(rows.users[chosen])),
            "data_version": rows.data_version,
            "rounds": rounds,
            "seed": rows.spec.seed,
        },
    )
    fitted = with_reference(fitted, rows, chosen)
    artifact = fitted.pack()
    footprint = footprint_of(artifact, rows.table[chosen])
    new_people = evaluate_new_people(rows, plan, engine=engine)
    metrics = all_metrics(held_out, new_people)
    return Candidate(rows, plan, held_out, fitted, artifact, metrics, footprint, new_people)


def all_metrics(held_out: HeldOut, new_people: Judged | None = None) -> dict[str, float]:
    """Every metric of the model and of every baseline, also by slice, of rows without a history, and of people whom
    the model had not met; and how intervals cover.
    """
    metrics = metrics_by_answerer(held_out)
    for name, value in honest_coverage(held_out).items():
        metrics[f"interval/{name}"] = value
    if held_out.without_history is not None:
        metrics |= metrics_without_history(held_out.without_history)
    return metrics if new_people is None else metrics | metrics_of_new_people(new_people)


def judge_candidate(
    candidate: Candidate,
    champion: Champion | None,
    ceiling: Mapping[str, float] | None,
    taken_back: TakenBack | None = None,
) -> Judgement:
    """Put the candidate before the gate: against the champion where both can be judged, else the best
    baseline.

    A recipe that was rolled back has to win against the restored champion on ratings since: those before let
    it through already, and a person saw more than they say.
    """
    held_out, seed = candidate.held_out, candidate.rows.spec.seed
    pick = np.ones(len(held_out.number), dtype=bool)
    reference, is_refit = held_out.best_baseline(), False
    losses = held_out.loss(reference)
    compared = losses_of_champion(held_out, champion) if champion is not None else None
    if champion is not None and compared is not None:
        pick = ~np.isnan(compared)
        losses = compared
        reference = f"champion {champion.version}"
        is_refit = champion.fingerprint == candidate.fitted.metadata.fingerprint
    if champion is not None and taken_back is not None and taken_back.concerns(candidate.fitted.metadata):
        pick &= held_out.rows.first_known_at[held_out.number] > taken_back.at.timestamp()
        if compared is None:
            pick[:] = False
        reference = f"champion {champion.version} since version {taken_back.versions[0]} was rolled back"
        is_refit = False
    candidate_loss = held_out.loss("model")[pick]
    lift = user_lift(losses[pick], candidate_loss, held_out.users[pick], seed=seed)
    members = {name: member[pick] for name, member in slices_of(held_out).items()}
    slices = slice_lifts(losses[pick], candidate_loss, held_out.users[pick], members, seed=seed)
    verdict = judge(
        reference=reference,
        is_refit=is_refit,
        against_baseline=compared is None,
        lift=lift,
        slices=slices,
        metrics={
            name.removesuffix("/model"): value
            for name, value in candidate.metrics.items()
            if name.endswith("/model")
        },
        footprint=candidate.footprint,
        ceiling=ceiling,
    )
    return Judgement(reference, is_refit, lift, slices, verdict)


def losses_of_champion(held_out: HeldOut, champion: Champion) -> np.ndarray | None:
    """The champion's loss on each judged row, NaN where it has no honest one; None when too few people have
    any.

    Honest is what it said on a held-out day of its own evaluation, and what it says of a label that became
    known only after it was trained. A correction since then makes a label neither: it was known before, and
    what was said of it was held against another value.
    """
    losses = np.full(len(held_out.number), np.nan)
    stored = champion.held_out_losses
    for place, label in enumerate(held_out.rows.labels(held_out.number)):
        losses[place] = stored.get(label, np.nan)
    losses[held_out.rows.known_at[held_out.number] > champion.trained_until] = np.nan
    new = held_out.rows.first_known_at[held_out.number] > champion.trained_until
    columns = champion.predictor.metadata.columns
    if new.any() and set(columns) <= set(held_out.rows.spec.columns):
        order = [held_out.rows.spec.columns.index(name) for name in columns]
        people = [held_out.rows.people[user] for user in held_out.users[new]]
        table = held_out.rows.table[held_out.number[new]][:, order]
        answers = champion.predictor.answers(table, people, fallback=False)
        if answers.probabilities is None:
            losses[new] = absolute_error(held_out.values[new], answers.values)
        else:
            classes = held_out.observed[new].astype(np.int64)
            losses[new] = ranked_probability_score(classes, answers.probabilities)
    people = np.unique(held_out.users[~np.isnan(losses)])
    return losses if len(people) >= max(1, len(np.unique(held_out.users)) // 2) else None


def _people_for_the_baseline(held_out: HeldOut) -> frozenset[str]:
    """Digests of the people whom the baseline will answer."""
    better = better_served_by_the_baseline(held_out, held_out.rows.until)
    return frozenset(person_digest(held_out.rows.people[user]) for user in better)


def describe_target(spec: ModelSpec) -> str:
    """What models of this target answer and what judges them, for their experiment and registry in MLflow."""
    low, high = spec.scale
    answered = (
        f"one of {len(spec.classes)} classes, {low:g} to {high:g}" if spec.classes else f"{low:g} to {high:g}"
    )
    judged = "rps" if spec.classes else "mae"
    return (
        f"**{spec.label}** that a person would state if asked now ({answered} {spec.unit}), on top of the baseline "
        f"`{spec.baseline_name}`. Compare `{judged}/model` with `{judged}/{spec.baseline_name}` and the other "
        "baselines of the same run; the gate judges lift per person (`lift/lower`)."
    )


def describe(candidate: Candidate, judgement: Judgement) -> str:
    """The candidate in Markdown, for its page in MLflow."""
    spec, rows = candidate.rows.spec, candidate.rows
    decided = "promoted to champion" if judgement.verdict.promoted else "refused by the gate"
    metric = "mae" if spec.kind == "regression" else "rps"
    best = candidate.held_out.best_baseline()
    reached, beside = (candidate.metrics[f"{metric}/{name}"] for name in ("model", best))
    trained = candidate.fitted.metadata.trained
    last_day = datetime.fromtimestamp(rows.until, UTC).date()
    told = f"{trained['rows']} ratings of {trained['people']} people"
    paragraphs = (
        f"**{spec.label}** of cohort `{rows.cohort}`: {decided}.",
        f"Recipe `{spec.recipe}` ({spec.feature_set} features) on top of `{spec.baseline_name}`.",
        f"Trained on {told}, the {spec.train_window_days} days up to {last_day}.",
        f"Held-out days: {metric} {reached:.3f}, the best baseline ({best}) {beside:.3f}.",
    )
    checks = (
        f"- {'passed' if check.passed else 'FAILED'}: {check.sentence}" for check in judgement.verdict.checks
    )
    card = f"All of it, for reading: the model card, `{EVALUATION_FOLDER}/{MODEL_CARD_FILE}` among the run's artifacts."
    return "\n\n".join((*paragraphs, "\n".join(checks), card))
