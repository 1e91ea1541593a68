"""The model catalogue: every target that AURORA predicts, and the recipe of its model.

To predict something new, add one ModelSpec to MODELS. Training, the registry, batch prediction, the API and
the streams read this catalogue; nothing else lists models. A change to a recipe, or to the meaning of a feature
that it sees, changes its fingerprint, and the gate then asks it to win instead of merely not to lose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from aurora.errors import AuroraError
from aurora.events.mood_classes import MOOD_CLASS_NAMES, MOOD_CLASSES
from aurora.features.catalogue import FEATURE_SETS, FEATURES, SETS_VERSION, vector_names

Kind = Literal["regression", "classes"]

REAL_COHORT = "real"
"""The cohort of the people who use AURORA. Every other cohort is a simulation or an imported study."""


class UnknownModelError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"model {name!r} is not in the catalogue; there are {', '.join(sorted(MODELS))}")


@dataclass(frozen=True)
class Centred:
    """A column that the booster sees beside the features: a feature less what it is measured against.

    Mostly that is the person's own level: one pooled model learns "a point below your usual" from few people;
    "six" it would have to learn from each. `hour_of_day` less the hours awake is the hour of waking.
    """

    feature: str
    centre: str

    @property
    def name(self) -> str:
        return f"{self.feature}__less__{self.centre}"


@dataclass(frozen=True)
class ModelSpec:
    """One target and the recipe of its model.

    The booster starts from a baseline that is made of `baseline_columns` (for classes, of `level_column` too)
    and learns what is left over. Baseline columns and centres are inputs of the model; those that do not stand
    in its feature set are learned from only by way of the baseline and the differences.
    `scale` bounds the final answer (regression) and its interval (both kinds).
    """

    name: str
    kind: Kind
    label: str
    unit: str
    scale: tuple[float, float]
    feature_set: str
    baseline_name: str
    baseline_columns: tuple[str, ...]
    recipe: str
    params: Mapping[str, Any]
    centred: tuple[Centred, ...] = ()
    classes: tuple[str, ...] = ()
    class_values: tuple[float, ...] = ()
    """For classes, what each stands for on the scale: the middle of its valences."""
    level_column: str | None = None
    """For classes, the person's level on the scale, around which the start is spread."""
    spread_column: str | None = None
    """Intervals are calibrated apart for people who vary little and people who vary a lot by this feature."""
    prior_column: str | None = None
    """A feature that answers without any rating of the person (for energy, the Three-Process Model)."""
    train_window_days: int = 90
    max_rounds: int = 1_000
    patience_rounds: int = 40
    seed: int = 20260101
    baselines_from_features: Mapping[str, str] = field(default_factory=dict)
    """Baselines that a feature already states: name of the baseline → feature. Shown, never boosted from."""

    @property
    def target(self) -> str:
        """The name of the label, as in `intermediate.int_labels.target`."""
        return self.name

    @property
    def features(self) -> tuple[str, ...]:
        """The features of its set, in the order of the vector."""
        return FEATURE_SETS[self.feature_set]

    @property
    def columns(self) -> tuple[str, ...]:
        """The whole vector: the features, then what else the baseline is made of."""
        return vector_names(self.feature_set)

    @property
    def feature_set_version(self) -> str:
        """Version of the set plus a hash of every formula in the vector: a changed meaning is a changed version."""
        told = [
            f"{name}:{FEATURES[name].version}:{FEATURES[name].formula!r}" if name in FEATURES else name
            for name in self.columns
        ]
        return f"{SETS_VERSION}-{hashlib.sha256('|'.join(told).encode()).hexdigest()[:12]}"

    def fingerprint(self, method: Mapping[str, Any]) -> str:
        """A short hash of all that makes this recipe what it is: equal for a refit, else a new recipe.

        `method` is what training brings to every recipe, as plain values.
        """
        body = asdict(self) | {"columns": self.feature_set_version, "method": dict(method)}
        return hashlib.sha256(json.dumps(body, sort_keys=True, default=list).encode()).hexdigest()[:16]


def _less(centre: str, *features: str) -> tuple[Centred, ...]:
    return tuple(Centred(feature, centre) for feature in features)


_DAY_AGAINST_USUAL = (
    Centred("hour_of_day", "time_since_last_sleep"),
    Centred("avg_sleep_last_7d", "main_sleep_minutes_mean_28d"),
    Centred("main_sleep_minutes_last_3d", "main_sleep_minutes_mean_28d"),
    Centred("sleep_efficiency_last_3d", "sleep_efficiency_mean_28d"),
    Centred("work_minutes_sum_1d", "work_minutes_daily_27d"),
    Centred("caffeine_active_1d", "caffeine_daily_27d"),
    Centred("avg_exercise_last_7d", "exercise_minutes_daily_27d"),
)

ENERGY = ModelSpec(
    name="energy",
    kind="regression",
    label="Energy",
    unit="points",
    scale=(0.0, 10.0),
    feature_set="energy",
    baseline_name="ewma",
    baseline_columns=("energy_ewma_28d",),
    recipe="residual-to-ewma-2",
    params={
        # Ratings are coarse and have heavy tails: a loss that is linear beyond one point (beyond three: MAE
        # 0.707 instead of 0.700 on athletes, see docs/models.md).
        "objective": "reg:pseudohubererror",
        "huber_slope": 1.0,
        "eta": 0.05,
        "max_depth": 5,
        "min_child_weight": 20,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "lambda": 5.0,
        "max_bin": 128,
        "tree_method": "hist",
    },
    centred=(
        *_less("energy_ewma_28d", "energy_mean_28d", "energy_mean_2d", "energy_rolling_mean_7d"),
        *_less("energy_mean_28d", "energy_daypart_mean_28d"),
        *_DAY_AGAINST_USUAL,
    ),
    baselines_from_features={
        "daypart_mean": "energy_daypart_mean_28d",
        "three_process": "energy_prior_three_process",
    },
    spread_column="energy_rolling_std_7d",
    prior_column="energy_prior_three_process",
)

MOOD = ModelSpec(
    name="mood",
    kind="classes",
    label="Mood",
    unit="valence",
    scale=(-1.0, 1.0),
    feature_set="mood",
    baseline_name="ewma",
    baseline_columns=tuple(f"mood_{name}_ewma_28d" for name in MOOD_CLASS_NAMES),
    recipe="ordinal-on-ewma-2",
    params={
        "learning_rate": 0.04,
        "num_leaves": 8,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 127,
    },
    centred=(
        *_less("mood_ewma_28d", "mood_mean_28d"),
        *_DAY_AGAINST_USUAL,
        Centred("social_minutes_sum_1d", "social_minutes_daily_27d"),
    ),
    classes=MOOD_CLASS_NAMES,
    class_values=tuple(round((mood.low + mood.high) / 2, 3) for mood in MOOD_CLASSES),
    level_column="mood_ewma_28d",
)

MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in (ENERGY, MOOD)}


def model_spec(name: str) -> ModelSpec:
    """The catalogue entry called `name`, or UnknownModelError."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModelError(name) from None


def registered_name(model: str, cohort: str) -> str:
    """The name under which a cohort's model is registered: `energy` for real people, else `energy.<cohort>`.

    A champion of simulated people or of a study can so never be taken for the champion of real ones.
    """
    return model if cohort == REAL_COHORT else f"{model}.{cohort}"
