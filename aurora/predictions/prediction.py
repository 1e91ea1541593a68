"""What one prediction is: an answer, how sure it is, what it came from, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ModelSource = Literal["model", "baseline", "none"]


@dataclass(frozen=True)
class Reason:
    """One feature's share in an answer, in natural units and as a sentence.

    `contribution` is the exact TreeSHAP share: in units of the target for a regression, in log-odds of the
    answered class for classes.
    """

    feature: str
    value: float | None
    unit: str
    contribution: float
    sentence: str


@dataclass(frozen=True)
class Shares:
    """The sum that the reasons are part of: `base`, their contributions and `others` make `total`.

    `base` is where the model starts: the person's baseline, and what it adds to each of their answers. `others` are the
    features that no reason tells. `total` is the value before it was brought back onto the scale, so that it is the
    value unless that is an end of the scale; for classes it is the log-odds that `Explanation.raw` says.
    """

    base: float
    others: float
    total: float


@dataclass(frozen=True)
class Prediction:
    """The rating to be expected if the person were asked at the moment of the vector.

    `model_source` says who answered: the model, a baseline (whose name is `baseline_name`), or nobody because
    nothing is known. For classes, `value`, `lower` and `upper` are in the unit behind the classes (valence).
    """

    model_name: str
    model_version: str | None
    model_source: ModelSource
    value: float | None
    lower: float | None
    upper: float | None
    baseline: float | None
    baseline_name: str | None
    class_name: str | None = None
    probabilities: Mapping[str, float] | None = None
    reasons: tuple[Reason, ...] = ()
    shares: Shares | None = None
    """Of an answer with reasons; told by the API and not kept."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON values; `class_name` is called `class`, as in the table and the API."""
        # Spelled out: `dataclasses.asdict` copies each value deeply, and takes some twenty times as long.
        body = {
            **vars(self),
            "class": self.class_name,
            "reasons": [{**vars(reason)} for reason in self.reasons],
        }
        del body["class_name"], body["shares"]
        return body
