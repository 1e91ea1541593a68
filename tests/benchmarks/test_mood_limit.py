"""What the limit of mood is learned from, on a small population whose warehouse dbt has built."""

from __future__ import annotations

from aurora.features.catalogue import FEATURES
from benchmarks.mood_limit import LEVEL, rows_and_truth


def test_each_rating_stands_beside_all_features_and_what_was_true(simulated_warehouse: str) -> None:
    rows, truth = rows_and_truth(simulated_warehouse)

    assert len(rows) > 100
    assert rows["label_event_id"].to_list() == truth["mood_event_id"].to_list()
    assert set(FEATURES) <= set(rows.columns)
    assert set(LEVEL) <= set(truth.columns)
    assert rows["value"].to_list() == truth["valence"].round(6).to_list()
