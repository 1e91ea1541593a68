"""What is known of the days before a moment: when it changed last, by domain, and the moments of a build with it.

Who asks after it changed last finds the same as everybody else who does: the day is settled, and the days before it
need to be summed up but once for all of its moments (docs/decisions/0042, 0045).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aurora.features.sql import widest
from aurora.features.windows import Window
from pipelines.transformation.generated.texts import described, indented, sql_file, unique_rows
from pipelines.transformation.generated.tiles import WHOLE_TILES
from pipelines.transformation.generated.windows import measures_of_days_before

CHANGES: Final = "int_domain_changes"
MOMENTS: Final = "int_rebuilt_moments"

WindowsOfDomains = Mapping[str, dict[str, list[Window]]]
"""Domain → measure → its windows, of the domains that have some."""


def changes_sql(source: str, domains: WindowsOfDomains) -> str:
    """When what a domain reads of a day changed last."""
    columns = []
    for domain, by_measure in domains.items():
        measures = ", ".join(f"'{measure}'" for measure in measures_of_days_before(by_measure))
        columns.append(f"max(changed_at) filter (where measure in ({measures})) as {domain}_changed_at")
    text = f"""
{{# Of half a million days Postgres expects a tenth: in less memory it writes them all to disk and reads them again. #}}
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': 'stg_touched_days'}},
    indexes=[{{'columns': ['user_id', 'local_date'], 'unique': true}}],
    pre_hook="set local work_mem = '64MB'",
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}

with

tiles as (

    select
        tiles.user_id,
        tiles.local_date,
        tiles.measure,
        case when tiles.valid_until < 'infinity' then tiles.valid_until else tiles.valid_from end as changed_at

    from {{{{ rows_of_days(ref('{WHOLE_TILES}'), 'tiles', ref('stg_touched_days')) }}}}

),

changes as (

    select
        user_id,
        local_date,
{indented(columns, 8)}

    from tiles
    group by user_id, local_date

)

select * from changes
"""
    return sql_file(CHANGES, source, text)


def moments_sql(source: str, domains: WindowsOfDomains) -> str:
    """The moments of a build, each with when what it can know of the days before changed last."""
    first_days = {
        domain: widest(window for windows in by_measure.values() for window in windows)
        for domain, by_measure in domains.items()
    }
    furthest = max(first_days.values())
    settled = [
        f"max({domain}_changed_at)"
        + (f" filter (where local_date >= days.local_date - {first})" if first < furthest else "")
        + f" as {domain}_settled_at"
        for domain, first in first_days.items()
    ]
    columns = [
        f"coalesce(settled.{domain}_settled_at, '-infinity') as {domain}_settled_at" for domain in domains
    ]
    text = f"""
{{{{ config(post_hook='{{{{ analyze_if_grown() }}}}') }}}}
{{# Asked for in any case, so that dbt sees it also when it parses for a full build. #}}
{{%- set rebuilt_days = ref('int_rebuilt_days') %}}

with

moments as (

    select moments.*
    from {{{{ ref('int_moments') }}}} as moments
    {{% if not flags.FULL_REFRESH %}}
    inner join {{{{ rebuilt_days }}}} as days
        on moments.user_id = days.user_id and moments.local_date = days.local_date
    {{% endif %}}

),

days as (

    select
        user_id,
        local_date,
        row_number() over (order by user_id, local_date) as day_number,
        count(*) over (partition by user_id) as asked_days

    from (select distinct user_id, local_date from moments) as asked

),

settled_days as (

    select
        days.*,
{indented(columns, 8)}

    from days
    cross join lateral (
        select
{indented(settled, 12)}
        from {{{{ ref('{CHANGES}') }}}}
        where user_id = days.user_id and local_date between days.local_date - {furthest} and days.local_date - 1
    ) as settled

),

numbered as (

    select
        -- Of this build alone: what another build has computed, and this one has not yet, finds no moment.
        extract(epoch from now())::bigint * 1000000000 + row_number() over (
            order by moments.user_id, moments.local_date, moments.as_of, moments.precision
        ) as moment_number,
        moments.as_of,
        moments.precision,
        moments.local_seconds,
        settled_days.*

    from moments
    inner join settled_days
        on moments.user_id = settled_days.user_id and moments.local_date = settled_days.local_date

)

select * from numbered
"""
    return sql_file(MOMENTS, source, text)


def entries(domains: WindowsOfDomains) -> list[dict[str, Any]]:
    """What the two models are, as YAML."""
    person = described("user_id", "uuid", "The person.")
    day = described("local_date", "date", "The local day.")
    return [
        {
            "name": CHANGES,
            "description": "When what the domains of features read of a day changed last. One row per user per"
            " local day of which a measure is known, or was.",
            "columns": [
                person,
                day,
                *(
                    described(
                        f"{domain}_changed_at",
                        "timestamptz",
                        f"Instant at which what the domain {domain} reads of the day changed last; null where"
                        " there never was any.",
                    )
                    for domain in domains
                ),
            ],
            "data_tests": [unique_rows(CHANGES, ["user_id", "local_date"], "stg_touched_days")],
        },
        {
            "name": MOMENTS,
            "description": "The moments of the days that are built anew, numbered: the number is the key of all that"
            " the build at hand computes of them, and means nothing after it. One row per user per moment that is"
            " built anew.",
            "columns": [
                described("moment_number", "bigint", "Number of the moment, of this build alone."),
                described("day_number", "bigint", "Number of its local day in this build."),
                person,
                day,
                described("as_of", "timestamptz", "The moment."),
                described("precision", "text", "`instant`, or `day` where no time of day is known."),
                described(
                    "local_seconds",
                    "integer",
                    "Seconds since local midnight; null where only the day is known.",
                ),
                described("asked_days", "bigint", "How many days of the person are built anew."),
                *(
                    described(
                        f"{domain}_settled_at",
                        "timestamptz",
                        f"Instant at which what the domain {domain} reads of the days before changed last.",
                    )
                    for domain in domains
                ),
            ],
            "data_tests": [unique_rows(MOMENTS, ["moment_number"])],
        },
    ]
