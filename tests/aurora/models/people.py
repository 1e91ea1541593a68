"""Small made-up populations whose truth is known, for the tests of models, predictions and training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aurora.models.catalogue import ENERGY, MOOD, Centred, ModelSpec
from aurora.models.class_booster import ClassBooster
from aurora.models.design import Centring, ClassStart, class_numbers
from aurora.models.intervals import calibrate
from aurora.models.metrics import Floats, Ints
from aurora.models.regression_booster import RegressionBooster
from aurora.predictions.artifact import ArtifactMetadata, FeatureNote, pack

FEATURES = ("energy_ewma_28d", "energy_rolling_mean_7d", "sleep_minutes", "spread", "noise")
SHARES = tuple(f"share_{name}" for name in MOOD.classes)

ENERGY_SPEC: ModelSpec = replace(
    ENERGY,
    baseline_columns=("energy_ewma_28d",),
    centred=(Centred("energy_rolling_mean_7d", "energy_ewma_28d"),),
    spread_column="spread",
    prior_column=None,
    baselines_from_features={},
    max_rounds=60,
    patience_rounds=10,
)
MOOD_SPEC: ModelSpec = replace(
    MOOD,
    baseline_columns=SHARES,
    level_column=None,
    centred=(),
    spread_column=None,
    max_rounds=40,
    patience_rounds=10,
)


@dataclass(frozen=True)
class Population:
    """Rows of many people: columns FEATURES then SHARES, a rating, and its valence."""

    users: Ints
    as_of: Floats
    known_at: Floats
    table: Floats
    energy: Floats
    valence: Floats

    @property
    def features(self) -> Floats:
        return self.table[:, : len(FEATURES)]

    @property
    def shares(self) -> Floats:
        return self.table[:, len(FEATURES) :]


def a_population(*, people: int = 30, days: int = 60, seed: int = 1, effect: float = 1.0) -> Population:
    """One rating per person and day. An hour of sleep moves the rating by `effect` points."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(people), days)
    day = np.tile(np.arange(days), people).astype(float)
    level = rng.uniform(4, 8, people)[users]
    sleep = rng.normal(450, 60, len(users))
    energy = np.clip(level + effect * (sleep - 450) / 60 + rng.normal(0, 0.7, len(users)), 0, 10)
    valence = np.clip((energy - 5) / 5, -1, 1)
    ewma = level + rng.normal(0, 0.3, len(users))
    mean = ewma + rng.normal(0, 0.2, len(users))
    spread = rng.uniform(0.3, 1.5, len(users))
    shares = np.exp(-(((np.arange(5)[None, :] - 2) / 2 - (ewma[:, None] - 5) / 5) ** 2) * 6)
    shares /= shares.sum(axis=1, keepdims=True)
    table = np.column_stack([ewma, mean, sleep, spread, rng.normal(size=len(users)), shares])
    as_of = day * 86_400.0
    return Population(users, as_of, as_of + 3600.0, table, energy, valence)


def an_energy_artifact(population: Population | None = None, *, seed: int = 1, **changes: object) -> bytes:
    """A small trained energy model as an artifact."""
    rows = population or a_population()
    spec = replace(ENERGY_SPEC, seed=seed)
    design = Centring.of(FEATURES, FEATURES, spec.centred).design(rows.features)
    booster = RegressionBooster.fit(spec, design, rows.features[:, 0], rows.energy, rounds=40).booster
    residuals = rows.energy - booster.answer(design, rows.features[:, 0])
    return pack(
        _metadata(
            spec,
            columns=FEATURES,
            prior=(float(rows.energy.mean()),),
            intervals={"model": calibrate(residuals, rows.features[:, 3])},
            **changes,
        ),
        booster.to_bytes(),
    )


def a_mood_artifact(population: Population | None = None, **changes: object) -> bytes:
    """A small trained mood model as an artifact."""
    rows = population or a_population()
    classes = class_numbers(rows.valence)
    prior = np.bincount(classes, minlength=5) / len(classes)
    start = ClassStart().of(np.zeros(len(classes)), np.array(MOOD_SPEC.class_values), rows.shares, prior)
    booster = ClassBooster.fit(MOOD_SPEC, rows.features, start, classes, rounds=20).booster
    return pack(
        _metadata(MOOD_SPEC, columns=FEATURES, prior=tuple(map(float, prior)), **changes),
        booster.to_bytes(),
    )


def a_vector(**changes: float | None) -> dict[str, float | None]:
    """An ordinary person's vector after an ordinary night."""
    usual: dict[str, float | None] = {
        "energy_ewma_28d": 6.0,
        "energy_rolling_mean_7d": 6.1,
        "sleep_minutes": 450.0,
        "spread": 0.8,
        "noise": 0.0,
    }
    usual |= dict(zip(SHARES, (0.05, 0.1, 0.3, 0.4, 0.15), strict=True))
    return usual | changes


def _metadata(spec: ModelSpec, *, columns: tuple[str, ...], **changes: object) -> ArtifactMetadata:
    fields: dict[str, object] = {
        "model_name": spec.name,
        "kind": spec.kind,
        "label": spec.label,
        "unit": spec.unit,
        "scale": spec.scale,
        "recipe": spec.recipe,
        "fingerprint": spec.fingerprint({}),
        "cohort": "real",
        "feature_set": spec.feature_set,
        "feature_set_version": "test",
        "features": columns,
        "notes": {"sleep_minutes": FeatureNote(label="Sleep last night", unit="min")},
        "centred": spec.centred,
        "baseline_name": spec.baseline_name,
        "baseline_columns": spec.baseline_columns,
        "classes": spec.classes,
        "class_values": spec.class_values,
        "spread_column": spec.spread_column,
    }
    return ArtifactMetadata.model_validate(fields | changes)
