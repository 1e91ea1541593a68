"""Choices that the training days themselves decide: what to start from, with or without lines, how far.

Everything is tried on the latest days of the training window, trained on the days before. Where they are too
few, that would be chance, and the plainest recipe is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.boosting import Trial
from aurora.models.catalogue import Kind, ModelSpec
from aurora.models.design import ClassStart
from aurora.models.headstart import personal_offsets
from aurora.models.metrics import Floats, Ints
from aurora.models.targets import TARGETS
from aurora.predictions.answers import design_of, start_of
from aurora.predictions.artifact import ArtifactMetadata
from pipelines.training.engines import IN_PROCESS, Data, Engine
from pipelines.training.rows import TrainingRows

STARTS = (
    *(ClassStart(spread=spread) for spread in (0.22, 0.27, 0.33, 0.4, 0.5)),
    *(ClassStart(prior_weight=weight) for weight in (0.02, 0.05, 0.1, 0.2, 0.4, 0.6)),
)
"""Ways from a history to class probabilities that are tried: smooth around the level, or the own shares.

The wide ends matter where a history says little: without them the booster only makes up for a baseline that is too sure
of itself, and that looks like skill.
"""

OFFSET_PENALTIES = (3.0, 10.0, 30.0, 100.0)
"""How many imagined rows draw a person's offset towards zero; tried beside having no offsets."""

MANY_ROWS = 10_000
"""From here on the latest days tell starts, lines and offsets apart."""

QUICK_STEP: dict[Kind, dict[str, float]] = {"regression": {"eta": 0.1}, "classes": {"learning_rate": 0.1}}
QUICK_ROUNDS = 100
THINNED = 3
"""Starts and lines are judged by a short training in large steps, starts on every third row."""

JUDGED_SHARE = 0.2
"""The latest share of the training days on which everything is chosen."""

FEW_ROUNDS = 20
"""With too little to choose by: a few rounds cannot do much harm."""


@dataclass(frozen=True)
class Choices:
    """What was chosen, to be used again on more rows."""

    rounds: int
    start: ClassStart
    has_lines: bool = False
    offset_penalty: float | None = None
    """None: people have no offsets."""


def usable(rows: TrainingRows, chosen: Ints, metadata: ArtifactMetadata, *, at_once: int = 8_192) -> Data:
    """Those of the chosen rows that have a baseline.

    `at_once` as many as stay in the cache: of a million twice to three times as fast as all in one.
    """
    design = np.empty((len(chosen), len(metadata.design_columns)))
    starts: list[Floats] = []
    used: list[Ints] = []
    end = 0
    for begin in range(0, max(len(chosen), 1), at_once):
        some = chosen[begin : begin + at_once]
        # Rows are read as columns: to pick them out takes longer than all the rest, so that is done once.
        table = rows.table[some]
        start, known = start_of(metadata, table)
        starts.append(start[known])
        used.append(some[known])
        first, end = end, end + len(used[-1])
        design[first:end] = design_of(metadata, table if known.all() else table[known])
    number = np.concatenate(used)
    return Data(
        design[:end], np.concatenate(starts), rows.targets[number], rows.as_of[number], rows.users[number]
    )


def choose(
    rows: TrainingRows, chosen: Ints, metadata: ArtifactMetadata, engine: Engine = IN_PROCESS
) -> Choices:
    """The choices that do best on the latest of the chosen rows."""
    spec = rows.spec
    start = _best_start(rows, chosen, metadata, engine) if spec.kind == "classes" else metadata.start
    data = usable(rows, chosen, metadata.model_copy(update={"start": start}))
    judged = _latest(data.as_of)
    if not 0 < len(judged) < len(data.target):
        return Choices(FEW_ROUNDS, start)
    if len(chosen) < MANY_ROWS:
        return Choices(engine.tried(spec, data, judged=judged).rounds, start)
    quick, lined = _quick(spec), _with_lines(spec, data, judged)
    has_lines = engine.tried(quick, lined, judged=judged).loss < engine.tried(quick, data, judged=judged).loss
    used = lined if has_lines else data
    best = engine.tried(spec, used, judged=judged)
    return Choices(best.rounds, start, has_lines, _best_penalty(spec, best, used, judged, len(rows.people)))


def budget_of(spec: ModelSpec, rows: int) -> str:
    """How much is tried to make the choices of one training on so many rows. The recipe's own parameters are fixed."""
    starts = len(STARTS) if spec.kind == "classes" else 0
    whole = f"rounds: one training of at most {spec.max_rounds}, ended {spec.patience_rounds} after the best"
    if rows < MANY_ROWS:
        return f"{starts} starts, none trained; {whole}" if starts else whole
    tried = f"{starts} starts of at most {QUICK_ROUNDS} rounds on a third of the rows; " if starts else ""
    return (
        f"{tried}lines: 2 trainings of at most {QUICK_ROUNDS}; {whole}; "
        f"{len(OFFSET_PENALTIES) + 1} offset penalties, none trained"
    )


def _quick(spec: ModelSpec) -> ModelSpec:
    """The recipe for a short training."""
    return replace(spec, params={**spec.params, **QUICK_STEP[spec.kind]}, max_rounds=QUICK_ROUNDS)


def _with_lines(spec: ModelSpec, data: Data, judged: Ints) -> Data:
    """The same rows, started from lines through those that are not judged."""
    target, rest = TARGETS[spec.kind], data.without(judged)
    lines = target.lines(rest.design, rest.start, rest.target)
    return replace(data, start=target.moved(data.start, lines.answer(data.design)))


def _best_penalty(spec: ModelSpec, trial: Trial, data: Data, judged: Ints, people: int) -> float | None:
    """The penalty on the offsets that does best on the judged rows; None where none does better."""
    target, rest, latest = TARGETS[spec.kind], data.without(judged), data.part(judged)
    pull, curvature = target.left_over(trial.booster.answer(rest.design, rest.start), rest.target)
    answers = trial.booster.answer(latest.design, latest.start)

    def loss(penalty: float | None) -> float:
        if penalty is None:
            return target.loss(answers, latest.target)
        offsets = personal_offsets(pull, curvature, rest.users, people, penalty)
        return target.loss(target.moved(answers, offsets[latest.users]), latest.target)

    return min((None, *OFFSET_PENALTIES), key=loss)


def _best_start(rows: TrainingRows, chosen: Ints, metadata: ArtifactMetadata, engine: Engine) -> ClassStart:
    """With many rows the start from which a short training does best on the latest days; with few, where that
    would be chance, the start that tells most by itself.
    """
    quick = _quick(rows.spec)

    def data_from(start: ClassStart) -> Data:
        return usable(rows, chosen, metadata.model_copy(update={"start": start}))

    def alone(start: ClassStart) -> float:
        data = data_from(start)
        return TARGETS["classes"].loss(data.start, data.target) if len(data.target) else np.inf

    def boosted(start: ClassStart) -> float:
        data = data_from(start)
        data = data.part(np.arange(0, len(data.target), THINNED))
        judged = _latest(data.as_of)
        if not 0 < len(judged) < len(data.target):
            return np.inf
        return engine.tried(quick, data, judged=judged).loss

    return min(STARTS, key=boosted if len(chosen) >= MANY_ROWS else alone)


def _latest(as_of: Floats) -> Ints:
    """The rows of the latest days, to choose on; none of none."""
    if not len(as_of):
        return np.array([], dtype=np.int64)
    days = (as_of.max() - as_of.min()) / DAY_SECONDS
    return np.flatnonzero(as_of > as_of.max() - max(days * JUDGED_SHARE, 1.0) * DAY_SECONDS)
