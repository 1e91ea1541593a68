"""The table of features for people: `docs/features.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aurora.features.catalogue import (
    BASELINE_INPUTS,
    DOMAINS,
    FEATURE_SETS,
    FEATURES,
    SETS_VERSION,
    USUAL_LEVELS,
    Feature,
)
from aurora.features.windows import Window
from pipelines.transformation.generated.texts import MARK

_INTRODUCTION = """\
Each feature is defined once, in `aurora/features/catalogue.py`. The SQL of the warehouse, the live vector, the API, the
signature of the models and this page follow from it. To add one, add an entry there and run `make generate`.

A feature describes a person at a moment (`as_of`): it reads what had happened *and* was known by then, at most 28 local
days back, today included. Missing stays missing: a window without events is null, never zero, except for counts.

Table `features.moment_features` has one row a moment, with all of them; a feature set is a view of it, in the order of
its vector. A build computes them domain by domain, for the moments that it builds anew
([decision 45](decisions/0045-a-moment-is-one-row.md)).

Two engines read these definitions: dbt in the warehouse, and Python over the tiles that live in Redis
([streams](streams.md)). That they agree to 1e-9, at one `as_of`, is tested on generated lives whose events come late,
twice, corrected, moved, deleted and from several zones, and checked every day on living people: Dagster's check
`live_vectors_equal_the_warehouse` of `features/moment_features`, and the metric
`aurora_features_parity_mismatches`.

```sh
.venv/bin/python -m pytest tests/pipelines/transformation/test_parity.py                             # 200 lives
.venv/bin/python -m pytest tests/pipelines/transformation/test_parity.py --hypothesis-profile=search # 2,000 others
```
"""


def documentation_files() -> dict[str, str]:
    """Path below the project → text."""
    parts = [f"<!-- {MARK} from aurora/features/catalogue.py; do not edit. -->", "# Features", _INTRODUCTION]
    sets = ", ".join(f"{name} ({len(members)})" for name, members in FEATURE_SETS.items())
    parts.append(f"Feature sets, version {SETS_VERSION}: {sets}.\n")
    for domain, meaning in DOMAINS.items():
        members = [feature for feature in FEATURES.values() if feature.domain == domain]
        if members:
            parts.append(f"## {meaning}\n\nDomain `{domain}`.\n\n{_table(members)}")
    return {"docs/features.md": "\n".join(part.rstrip() + "\n" for part in parts)}


def _table(features: Iterable[Feature]) -> str:
    rows = ["| feature | unit | means | reads | used by |", "| --- | --- | --- | --- | --- |"]
    for feature in features:
        users = ", ".join(_users(feature))
        cells = (f"`{feature.name}`", feature.unit, feature.description, reads(feature), users or "–")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _users(feature: Feature) -> Iterator[str]:
    for name, members in FEATURE_SETS.items():
        if feature.name in members:
            yield name
        elif feature.name in BASELINE_INPUTS[name]:
            yield f"{name} (baseline)"
        elif feature.name in USUAL_LEVELS[name]:
            yield f"{name} (usual level)"


def reads(feature: Feature) -> str:
    """Which windows of which measures a feature is made of, in words."""
    windows = list(dict.fromkeys(_window(window) for window in feature.windows))
    clocks = ["the clock"] if feature.clocks else []
    return "; ".join([*windows, *clocks])


def _window(window: Window) -> str:
    days = "1 day" if window.days == 1 else f"{window.days} days"
    lag = f", {window.lag} before" if window.lag else ""
    return f"`{window.measure}` {window.aggregate.replace('_', ' ')} of {days}{lag}"
