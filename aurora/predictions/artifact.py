"""The artifact: everything that answers for one model version, in one file that carries no code.

A zip of `metadata.json` and `booster.bin` (XGBoost UBJSON or LightGBM text), written so that equal content
gives equal bytes. `half-0.bin` and so on are the same booster trained on half of the people: how far they
disagree says how much of a what-if is chance. It travels MLflow → Postgres → serving and streams, and its
SHA-256 with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from aurora.errors import AuroraError
from aurora.models.catalogue import Centred
from aurora.models.design import Centring, ClassStart
from aurora.models.headstart import Lines
from aurora.models.intervals import IntervalTable
from aurora.models.metrics import Floats, Ints
from aurora.models.reference import Reference

FORMAT = 1
_METADATA, _BOOSTER = "metadata.json", "booster.bin"


class ArtifactDamagedError(AuroraError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the model artifact cannot be used: {reason}")


class FeatureNote(BaseModel):
    """How a feature is told to a person."""

    model_config = ConfigDict(frozen=True)

    label: str
    unit: str = ""


class ColumnSupport(BaseModel):
    """What the training rows held of one column of the design: nearly all lay between `low` and `high`."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    missing: float = 0.0
    """The share of the rows in which it was missing."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where in a row of `ArtifactMetadata.columns` each thing is found, and the constants beside it as arrays."""

    centring: Centring
    baseline: Ints
    level: int | None
    spread: int | None
    prior: Floats
    class_values: Floats


class ArtifactMetadata(BaseModel):
    """What has to be known to answer with a booster. Column order is the order of `features`, then
    `centred`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    model_name: str
    kind: Literal["regression", "classes"]
    label: str
    unit: str
    scale: tuple[float, float]
    recipe: str
    fingerprint: str
    cohort: str
    feature_set: str
    feature_set_version: str
    features: tuple[str, ...]
    notes: dict[str, FeatureNote] = {}
    centred: tuple[Centred, ...] = ()
    baseline_name: str
    baseline_columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
    class_values: tuple[float, ...] = ()
    prior: tuple[float, ...]
    """What answers without any history: the mean of the training labels, or the share of each class."""
    level_column: str | None = None
    start: ClassStart = ClassStart()
    """For classes: how the history becomes the probabilities that the booster starts from."""
    lines: Lines | None = None
    """Straight lines in the columns of the design, between the start and the booster."""
    offsets: dict[str, float] = {}
    """Digest of a person who was trained on → what is added to their raw answers. Nothing for anybody else."""
    spread_column: str | None = None
    intervals: dict[str, IntervalTable] = {}
    """Answerer (`model` or the name of a baseline) → its interval."""
    baseline_people: frozenset[str] = frozenset()
    """Digests of the people whom the baseline served better on their recent days."""
    support: dict[str, ColumnSupport] = {}
    """Column of the design → what was trained on. Empty in artifacts that were made before there was a what-if."""
    reference: Reference | None = None
    """What the training rows held and were answered, to see drift by. None in artifacts from before it was measured."""
    half_lines: tuple[Lines | None, ...] = ()
    """For each model of half of the people, its lines."""
    slope_spreads: dict[str, float] = {}
    """Column of the design → how far its effect lies from what the model says, between people and parts of the
    day: in the unit of the raw answer per unit of the column. Nothing in artifacts that were made before."""
    trained: dict[str, Any] = {}
    """For the record: data window, rows, people, data version, rounds, seed."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every input column, each once: the features, then what else the baseline and the centred columns
        are made of.
        """
        centres = (entry.centre for entry in self.centred)
        return tuple(dict.fromkeys((*self.features, *self.baseline_columns, *centres)))

    @cached_property
    def design_columns(self) -> tuple[str, ...]:
        """What the booster sees, in its order."""
        return (*self.features, *(entry.name for entry in self.centred))

    @cached_property
    def places(self) -> Places:
        """Worked out once: each answer needs all of it."""
        place = {name: number for number, name in enumerate(self.columns)}
        return Places(
            centring=Centring.of(self.columns, self.features, self.centred),
            baseline=np.array([place[name] for name in self.baseline_columns], dtype=np.int64),
            level=None if self.level_column is None else place[self.level_column],
            spread=None if self.spread_column is None else place[self.spread_column],
            prior=np.array(self.prior, dtype=np.float64),
            class_values=np.array(self.class_values, dtype=np.float64),
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copy = super().model_copy(update=update, deep=deep)
        # What was worked out of the fields before does not go along with others.
        for name in vars(copy).keys() - type(copy).model_fields.keys():
            del vars(copy)[name]
        return copy


def pack(metadata: ArtifactMetadata, booster: bytes, halves: Sequence[bytes] = ()) -> bytes:
    """One artifact; the same content gives the same bytes."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        contents = {_METADATA: _canonical(metadata), _BOOSTER: booster}
        contents |= {_half(number): half for number, half in enumerate(halves)}
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 6)
    return body.getvalue()


def unpack(artifact: bytes, *, sha256: str | None = None) -> tuple[ArtifactMetadata, bytes]:
    """Metadata and booster of an artifact; ArtifactDamagedError when it is not what the hash promised."""
    if sha256 is not None and digest(artifact) != sha256:
        raise ArtifactDamagedError(f"its SHA-256 is {digest(artifact)}, expected {sha256}")
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            metadata = ArtifactMetadata.model_validate_json(archive.read(_METADATA))
            return metadata, archive.read(_BOOSTER)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactDamagedError(str(error)) from error


def unpack_halves(artifact: bytes) -> tuple[bytes, ...]:
    """The boosters of halves of the people; none in an artifact that was made before there was a what-if."""
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            metadata = ArtifactMetadata.model_validate_json(archive.read(_METADATA))
            return tuple(archive.read(_half(number)) for number in range(len(metadata.half_lines)))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactDamagedError(str(error)) from error


def digest(artifact: bytes) -> str:
    """The SHA-256 of an artifact, in hex."""
    return hashlib.sha256(artifact).hexdigest()


def person_digest(user_id: object) -> str:
    """How a person is named inside an artifact: recognisable to who knows the id, and to nobody else."""
    return hashlib.blake2b(str(user_id).encode(), digest_size=8).hexdigest()


def _half(number: int) -> str:
    return f"half-{number}.bin"


def _canonical(metadata: ArtifactMetadata) -> bytes:
    body = metadata.model_dump(mode="json")
    body["baseline_people"] = sorted(body["baseline_people"])
    return json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
