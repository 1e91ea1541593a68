"""The contents of a model card as plain data, made of a candidate and its judgement. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aurora.models.gate import Check
from aurora.models.lift import user_lift
from pipelines.training.candidate import Candidate, Judgement
from pipelines.training.choosing import budget_of
from pipelines.training.evaluation import METRICS_OF_SLICES
from pipelines.training.model_card.coverage import Share, coverage_by_promise, coverage_by_slice
from pipelines.training.model_card.sentences import (
    NOT_FOR,
    Standing,
    audience,
    counted,
    limits,
    meeting_new_people,
    protocol,
    question,
    ratings_of,
    standing,
)
from pipelines.training.model_card.shares import FeatureShares, feature_shares
from pipelines.training.model_card.tables import (
    CEILING,
    COLD,
    NEW_PEOPLE,
    Cell,
    Grid,
    LiftRow,
    MetricTable,
    SliceRow,
    grid_by_answerer,
    grid_by_row,
    metric_table,
    slice_rows,
)

LOGGED_LIFT = ("lift/mean", "lift/lower", "lift/upper")
LIFT_OF_NEW_PEOPLE = f"{NEW_PEOPLE}_lift/"


@dataclass(frozen=True)
class ModelCard:
    """Everything a card says; the plots are apart. Holds no id and no digest of a person."""

    title: str
    standing: Standing
    question: str
    audience: str
    promoted: bool
    reference: str
    checks: tuple[Check, ...]
    facts: tuple[tuple[str, str], ...]
    protocol: tuple[str, ...]
    metrics: MetricTable
    skills: tuple[Cell, ...]
    lifts: tuple[LiftRow, ...]
    slices: tuple[SliceRow, ...]
    by_slice: Mapping[str, Grid]
    """Metric → slice × answerer: the model beside every baseline on the same rows."""
    met_as_new: str
    """Whom the model had not met."""
    new_people: Grid | None
    """Answerer × metric, of people whom their fold's model had not met."""
    new_people_lift: Grid | None
    without_history: Grid | None
    """Guess × metric, of rows with nothing to start from."""
    interval: tuple[Cell, ...]
    """Coverage and mean width as logged; empty where a single fold was judged."""
    coverage: Mapping[str, Share]
    coverage_by_promise: Mapping[float, Share]
    shares: FeatureShares
    not_for: tuple[str, ...]
    limits: tuple[str, ...]


def model_card(
    candidate: Candidate,
    judgement: Judgement,
    metrics: Mapping[str, float],
    *,
    name: str,
    git_sha: str = "unknown",
) -> ModelCard:
    """The card of one training. `metrics` is all that the run logs; `name` is the registered model."""
    held_out, spec = candidate.held_out, candidate.rows.spec
    best = held_out.best_baseline()
    over_best = user_lift(held_out.loss(best), held_out.loss("model"), held_out.users, seed=spec.seed)
    table = metric_table(metrics, held_out.baselines)
    coverage = coverage_by_slice(held_out)
    lifts = [LiftRow(judgement.reference, judgement.lift, LOGGED_LIFT)]
    if judgement.reference != best:
        lifts.append(LiftRow(best, over_best))
    return ModelCard(
        title=f"{spec.label} · {candidate.rows.cohort}",
        standing=standing(over_best, best, judgement, spec),
        question=question(spec),
        audience=audience(
            candidate.rows.cohort, simulated=any(key.endswith(f"/{CEILING}") for key in metrics)
        ),
        promoted=judgement.verdict.promoted,
        reference=judgement.reference,
        checks=judgement.verdict.checks,
        facts=_facts(candidate, name, git_sha),
        protocol=protocol(candidate),
        metrics=table,
        skills=_named(metrics, "skill/"),
        lifts=tuple(lifts),
        slices=slice_rows(held_out, judgement, metrics, coverage),
        by_slice={
            metric: grid
            for metric in METRICS_OF_SLICES
            if (grid := grid_by_answerer(metrics, f"slice_{metric}")) is not None
        },
        met_as_new=meeting_new_people(candidate),
        new_people=grid_by_row(_others(metrics, LIFT_OF_NEW_PEOPLE), NEW_PEOPLE),
        new_people_lift=grid_by_row(_named_as(metrics, LIFT_OF_NEW_PEOPLE), NEW_PEOPLE),
        without_history=grid_by_row(metrics, COLD),
        interval=_named(metrics, "interval/"),
        coverage=coverage,
        coverage_by_promise=coverage_by_promise(held_out),
        shares=feature_shares(candidate),
        not_for=NOT_FOR,
        limits=limits(candidate, table=table, lift=over_best, coverage=coverage, judgement=judgement),
    )


def _named(metrics: Mapping[str, float], prefix: str) -> tuple[Cell, ...]:
    return tuple(Cell(key, value) for key, value in metrics.items() if key.startswith(prefix))


def _named_as(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if key.startswith(prefix)}


def _others(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if not key.startswith(prefix)}


def _facts(candidate: Candidate, name: str, git_sha: str) -> tuple[tuple[str, str], ...]:
    rows, held_out, metadata = candidate.rows, candidate.held_out, candidate.fitted.metadata
    spec, choices, trained = rows.spec, candidate.fitted.choices, metadata.trained
    scale = f"{spec.scale[0]:g} to {spec.scale[1]:g}".replace("-", "−")
    judged = ratings_of(len(held_out.number), len(np.unique(held_out.users)))
    return (
        ("Registered as", name),
        ("Target", f"{spec.label.lower()}, {scale} {spec.unit}"),
        ("Cohort", rows.cohort),
        ("Recipe", metadata.recipe),
        ("Fingerprint", metadata.fingerprint),
        ("Starts from", f"{spec.baseline_name} of the person's ratings"),
        ("Chosen by", budget_of(spec, metadata.trained["rows"])),
        ("Learns by", _learns_by(choices.rounds, choices.offset_penalty, has_lines=choices.has_lines)),
        ("Features", f"{len(spec.features)} of set {metadata.feature_set}, version {metadata.feature_set_version}"),
        ("Data", f"{ratings_of(len(rows), len(rows.people))}, {rows.window()}"),
        ("Data version", rows.data_version),
        ("Trained on", f"{ratings_of(trained['rows'], trained['people'])}, the last {trained['window_days']} days"),
        ("Judged on", f"{judged} on held-out days"),
        ("Seed", str(spec.seed)),
        ("Git commit", git_sha),
    )  # fmt: skip


def _learns_by(rounds: int, offset_penalty: float | None, *, has_lines: bool) -> str:
    parts = ["straight lines"] if has_lines else []
    parts.append(f"trees of {counted(rounds, 'round')}")
    if offset_penalty is not None:
        parts.append("an offset for each person")
    return ", ".join(parts)
