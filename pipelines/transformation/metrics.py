"""Metrics: what is defined in `dbt_project/models/metrics`, compiled to SQL by MetricFlow and run here.

MetricFlow comes with dbt-core. Its own command line (dbt-metricflow) would bring packages that ask the internet for
updates; the engine needs none of them (docs/decisions/0017).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import psycopg
from psycopg import sql

from aurora.errors import AuroraError
from pipelines.transformation.dbt_runs import DBT_DIR, parse

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine

GRAINS: Final = ("day", "week", "month", "quarter", "year")


class MetricQueryError(AuroraError):
    """A metric or a grouping that does not exist, or do not go together."""


@dataclass(frozen=True)
class Metric:
    """One metric, and what it can be had by."""

    name: str
    label: str
    description: str
    groupings: tuple[str, ...]


@dataclass(frozen=True)
class MetricTable:
    """The answer of one query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Metrics:
    """The metrics of the project, ready to be compiled."""

    def __init__(self, *, data_dir: Path, dbt_dir: Path = DBT_DIR) -> None:
        self._engine = _engine(parse(data_dir=data_dir, dbt_dir=dbt_dir, artifact="semantic_manifest.json"))
        self._metrics = {metric.name: metric for metric in self._engine.list_metrics()}
        self._known_groupings: dict[str, dict[str, str]] = {}

    def list(self) -> list[Metric]:
        """Every metric, by name."""
        return [
            Metric(name, metric.label or name, metric.description or "", tuple(self._groupings(name)))
            for name, metric in sorted(self._metrics.items())
        ]

    def compile(
        self,
        names: Sequence[str],
        *,
        by: Sequence[str] = (),
        since: date | None = None,
        until: date | None = None,
        where: Sequence[str] = (),
    ) -> str:
        """The SQL of a query; MetricQueryError says what does not exist or does not go together.

        `by` are short names (`cohort`, `week`, `model_name`), `where` are conditions of the form `cohort=real`.
        """
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        unknown = [name for name in names if name not in self._metrics]
        if unknown or not names:
            raise MetricQueryError(
                f"no metric is called {', '.join(unknown) or 'so'}; `aurora metrics list` shows all"
            )
        groups = [self._group(names, short) for short in by]
        try:
            explained = self._engine.explain(
                MetricFlowQueryRequest.create(
                    metric_names=list(names),
                    group_by_names=groups,
                    order_by_names=groups,
                    where_constraints=[self._condition(names, condition) for condition in where] or None,
                    time_constraint_start=datetime.combine(since, time.min) if since else None,
                    time_constraint_end=datetime.combine(until, time.min) if until else None,
                )
            )
        except Exception as error:  # MetricFlow has no error of its own for a query that makes no sense
            raise MetricQueryError(str(error).strip().splitlines()[0]) from error
        return explained.sql_statement.sql

    def query(self, connection: psycopg.Connection[Any], names: Sequence[str], **options: Any) -> MetricTable:
        """The numbers; the options are those of `compile`."""
        statement = self.compile(names, **options)
        cursor = connection.execute(sql.SQL(cast("Any", statement)))
        columns = tuple(_short(column.name) for column in cursor.description or ())
        return MetricTable(columns, tuple(tuple(map(_plain, row)) for row in cursor))

    def _groupings(self, metric: str) -> dict[str, str]:
        """Short name → MetricFlow's name."""
        if metric not in self._known_groupings:
            self._known_groupings[metric] = self._find_groupings(metric)
        return self._known_groupings[metric]

    def _find_groupings(self, metric: str) -> dict[str, str]:
        dimensions = self._engine.simple_dimensions_for_metrics([metric])
        names = {_short(item.dunder_name): item.dunder_name for item in dimensions}
        short = {short: name for short, name in names.items() if not name.startswith("metric_time")}
        return {grain: f"metric_time__{grain}" for grain in GRAINS} | {
            key: value for key, value in short.items() if not key.endswith("_date")
        }

    def _group(self, names: Sequence[str], short: str) -> str:
        everywhere = set.intersection(*(set(self._groupings(name)) for name in names))
        if short not in everywhere:
            known = ", ".join(sorted(everywhere - set(GRAINS)))
            raise MetricQueryError(
                f"{', '.join(names)} cannot be had by {short}; by {', '.join(GRAINS)}, {known} they can"
            )
        return self._groupings(names[0])[short]

    def _condition(self, names: Sequence[str], condition: str) -> str:
        short, equals, value = condition.partition("=")
        if not equals or not value or short in GRAINS:
            raise MetricQueryError(f"{condition!r} is no condition; write it like cohort=real")
        name = self._group(names, short)
        literal = value.replace("'", "''")
        if "{" in value or "\\" in value:
            raise MetricQueryError(f"{value!r} holds a character that no name has")
        return f"{{{{ Dimension('{name}') }}}} = '{literal}'"


def _short(name: str) -> str:
    """`user__cohort` is `cohort`, `metric_time__week` is `week`."""
    return name.rsplit("__", 1)[-1]


def _plain(value: Any) -> Any:
    """Means of whole numbers are decimals in Postgres; a period is a timestamp at its beginning."""
    if isinstance(value, Decimal):
        return float(value)
    return value.date() if isinstance(value, datetime) else value


def _without_database(manifest: str) -> str:
    """dbt names the database it was parsed for; a statement is for the one that it is run on."""
    told = json.loads(manifest)
    spines = told["project_configuration"].get("time_spines", [])
    for relation in [entry["node_relation"] for entry in (*told["semantic_models"], *spines)]:
        relation["database"] = None
        relation["relation_name"] = f'"{relation["schema_name"]}"."{relation["alias"]}"'
    return json.dumps(told)


def _engine(manifest: str) -> MetricFlowEngine:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    class Dialect:
        """What MetricFlow has to know to write SQL. It runs none: that is done by this module's connection."""

        sql_engine_type = SqlEngine.POSTGRES
        sql_plan_renderer = PostgresSQLSqlPlanRenderer()

        def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
            return f"%({bind_parameter_key})s"

        def _runs_nothing(self, *_: Any, **__: Any) -> NoReturn:
            raise NotImplementedError("statements are compiled here and run by `Metrics.query`")

        query = execute = dry_run = _runs_nothing

        def close(self) -> None: ...

    lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(_without_database(manifest)))
    return MetricFlowEngine(semantic_manifest_lookup=lookup, sql_client=cast("Any", Dialect()))
