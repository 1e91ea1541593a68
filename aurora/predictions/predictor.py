"""A trained model that answers: loaded from one artifact, used alike by serving, streams and batch
prediction.

    predictor = Predictor.load(artifact, sha256=…, version="7")
    predictor.predict(vector, user_id=user_id)          # one person
    predictor.predict_many(vectors, user_ids)           # many, the same answers
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from aurora.models.boosters import booster_of
from aurora.models.boosting import Booster, TreeShares
from aurora.models.design import column_owners
from aurora.models.metrics import Floats, Ints
from aurora.predictions.answers import Answers, answer_rows, contributions_of, design_of, offsets_of, start_of
from aurora.predictions.artifact import ArtifactDamagedError, ArtifactMetadata, person_digest, unpack
from aurora.predictions.halves import Halves
from aurora.predictions.prediction import Prediction, Reason, Shares
from aurora.predictions.reasons import by_feature, top_reasons

Vector = Mapping[str, float | None]
"""Feature name → value. A feature that is absent or None is missing."""


@dataclass(frozen=True)
class Explanation:
    """An exact decomposition: `base` plus all contributions is `raw`.

    The base holds the baseline's share. `raw` is the value in units of the target before it is brought back onto the
    scale (the answer is `raw`, or the end of the scale that it passed), or the log-odds of the answered class against
    the next worse one (of the second against the worst, where the worst is answered).
    """

    base: float
    contributions: dict[str, float]

    @property
    def raw(self) -> float:
        return self.base + sum(self.contributions.values())


@dataclass(frozen=True)
class Predictor:
    """One version of one model, ready to answer."""

    metadata: ArtifactMetadata
    version: str | None
    _booster: Booster = field(repr=False)
    _halves: Halves = field(repr=False)

    @classmethod
    def load(
        cls, artifact: bytes, *, sha256: str | None = None, version: str | None = None, threads: int = 1
    ) -> Predictor:
        """The predictor inside an artifact. The hash is checked when it is given; nothing in it is
        executed. What only a what-if needs is loaded by the first (see `loaded_whole`).
        """
        metadata, body = unpack(artifact, sha256=sha256)
        try:
            booster = booster_of(metadata.kind).from_bytes(body, threads)
            booster.prepare()
        except Exception as error:  # the two libraries share no error type for a damaged model
            raise ArtifactDamagedError(f"its booster does not load: {error}") from error
        return cls(metadata, version, booster, Halves(artifact, metadata.kind, threads))

    def loaded_whole(self) -> Predictor:
        """The same with nothing left to load; ArtifactDamagedError when part of it cannot be."""
        self._halves.load()
        return self

    @property
    def name(self) -> str:
        return self.metadata.model_name

    def predict(self, vector: Vector, *, user_id: object = None, with_reasons: bool = True) -> Prediction:
        """The answer for one vector of features (and baseline columns)."""
        return self.predict_many([vector], [user_id], with_reasons=with_reasons)[0]

    def predict_many(
        self, vectors: Sequence[Vector], user_ids: Sequence[object], *, with_reasons: bool = True
    ) -> list[Prediction]:
        """The answers for many vectors; the same as one by one, to the precision of single floats."""
        table = self.table(vectors)
        people = self._people(user_ids, len(table))
        answers = answer_rows(self.metadata, self._booster, table, people, with_trees=with_reasons)
        reasons = self._reasons(table, answers, people)
        return [self._prediction(answers, row, *reasons.get(row, ((), None))) for row in range(len(table))]

    def table(self, vectors: Iterable[Vector]) -> Floats:
        """Vectors as rows of `metadata.columns`; what is missing is NaN."""
        columns = self.metadata.columns
        # NumPy takes None for NaN.
        rows = [list(map(vector.get, columns)) for vector in vectors]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))

    def answers(
        self, table: Floats, user_ids: Sequence[object] | None = None, *, fallback: bool = True
    ) -> Answers:
        """The answers as arrays, for rows of `metadata.columns`; `fallback` as in `answer_rows`."""
        people = self._people(user_ids, len(table))
        return answer_rows(self.metadata, self._booster, table, people, fallback=fallback)

    def answers_of_halves(self, table: Floats, user_id: object = None) -> Floats:
        """What each model of half of the people says of these rows of one person: models × rows.

        As the model's own answers, and without a fallback. No model, no rows.
        """
        people = self._people([user_id] * len(table), len(table))
        found = [
            answer_rows(
                self.metadata.model_copy(update={"lines": lines}), half, table, people, fallback=False
            ).values
            for half, lines in zip(self._halves.load(), self.metadata.half_lines, strict=True)
        ]
        return np.array(found, dtype=np.float64).reshape(len(found), len(table))

    def design(self, table: Floats) -> Floats:
        """Rows of `metadata.columns` as the booster sees them: `metadata.design_columns`."""
        return design_of(self.metadata, table)

    def explain(self, vector: Vector, *, user_id: object = None) -> Explanation:
        """The exact shares of every feature in the model's answer to one vector, whoever would serve it."""
        table = self.table([vector])
        start, _ = start_of(self.metadata, table)
        trees = self._booster.shares(self.design(table))
        contributions, bases = self._contributions(table, trees, start, self._people([user_id], 1))
        shares = by_feature(contributions[0], self._owners, len(self.metadata.features))
        return Explanation(
            float(bases[0]), dict(zip(self.metadata.features, map(float, shares), strict=True))
        )

    def _people(self, user_ids: Sequence[object] | None, rows: int) -> list[str | None]:
        """The digest of each row's person, None where nobody is named."""
        if user_ids is None:
            return [None] * rows
        return [None if user_id is None else person_digest(user_id) for user_id in user_ids]

    def _contributions(
        self, table: Floats, trees: TreeShares, start: Floats, people: Sequence[str | None]
    ) -> tuple[Floats, Floats]:
        design, offsets = self.design(table), offsets_of(self.metadata, people)
        return contributions_of(self.metadata, trees, design, start, offsets)

    @cached_property
    def _owners(self) -> Ints:
        return column_owners(self.metadata.features, self.metadata.centred)

    def _reasons(
        self, table: Floats, answers: Answers, people: Sequence[str | None]
    ) -> dict[int, tuple[tuple[Reason, ...], Shares]]:
        """Of each row of the model's answers, if these came with what its trees' are made of."""
        if answers.trees is None:
            return {}
        rows = np.flatnonzero(answers.by_model)
        whose = [people[row] for row in rows.tolist()]
        contributions, bases = self._contributions(table[rows], answers.trees, answers.start[rows], whose)
        shares = by_feature(contributions, self._owners, len(self.metadata.features))
        found = {}
        for row, base, own in zip(rows.tolist(), bases.tolist(), shares.tolist(), strict=True):
            told, added = top_reasons(self.metadata, own, table[row].tolist()), sum(own)
            others = added - sum(reason.contribution for reason in told)
            found[row] = told, Shares(base, others, base + added)
        return found

    def _prediction(
        self, answers: Answers, row: int, reasons: tuple[Reason, ...], shares: Shares | None
    ) -> Prediction:
        probabilities, class_name = None, None
        if answers.probabilities is not None:
            stated = answers.probabilities[row]
            probabilities = dict(zip(self.metadata.classes, stated.tolist(), strict=True))
            class_name = self.metadata.classes[int(stated.argmax())]
        return Prediction(
            model_name=self.name,
            model_version=self.version,
            model_source="model" if answers.by_model[row] else "baseline",
            value=float(answers.values[row]),
            lower=_known(answers.lower[row]),
            upper=_known(answers.upper[row]),
            baseline=float(answers.baseline[row]),
            baseline_name=answers.baseline_of(row),
            class_name=class_name,
            probabilities=probabilities,
            reasons=reasons,
            shares=shares,
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
