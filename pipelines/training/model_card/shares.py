"""What the registered model leans on: exact TreeSHAP shares of each feature in its answers to held-out rows.

The same shares as in the reasons that people are told (`aurora.predictions`): lines and trees together, in points
of the target or, for classes, in log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aurora.models.design import column_owners
from aurora.models.metrics import Floats
from aurora.predictions.answers import contributions_of, design_of, offsets_of, start_of
from aurora.predictions.artifact import person_digest
from aurora.predictions.reasons import by_feature
from pipelines.training.candidate import Candidate

MOST_ROWS: Final = 2_000
"""Evenly over the held-out days; more would change no mean in its second digit."""

MOST_SHOWN: Final = 12
"""So many features are drawn and listed; the shares of the others are small."""


@dataclass(frozen=True)
class FeatureShares:
    """Shares and values: rows × features, the feature with the largest mean share first. Missing is NaN."""

    features: tuple[str, ...]
    labels: tuple[str, ...]
    """What each feature is called to people."""
    shares: Floats
    values: Floats

    @property
    def mean(self) -> Floats:
        """The mean absolute share of each feature; 0 without rows."""
        return np.abs(self.shares).sum(axis=0) / max(len(self.shares), 1)


def feature_shares(candidate: Candidate) -> FeatureShares:
    """The shares in the answers of the refitted model, which is the one that is registered."""
    rows, metadata = candidate.rows, candidate.fitted.metadata
    every = max(1, -(-len(candidate.held_out.number) // MOST_ROWS))
    chosen = candidate.held_out.number[::every]
    start, known = start_of(metadata, rows.table[chosen])
    # The start is chosen anew in each fold: where the last one has none, the model would not answer.
    chosen, start = chosen[known], start[known]
    people = [person_digest(rows.people[user]) for user in rows.users[chosen]]
    design = design_of(metadata, rows.table[chosen])
    trees = candidate.fitted.booster.shares(design)
    table, _ = contributions_of(metadata, trees, design, start, offsets_of(metadata, people))
    owners = column_owners(metadata.features, metadata.centred)
    shares = by_feature(table, owners, len(metadata.features))
    order = np.argsort(-np.abs(shares).mean(axis=0), kind="stable")
    features = tuple(metadata.features[place] for place in order)
    columns = [rows.spec.columns.index(name) for name in features]
    return FeatureShares(
        features=features,
        labels=tuple(metadata.notes[name].label if name in metadata.notes else name for name in features),
        shares=shares[:, order],
        values=rows.table[chosen][:, columns],
    )
