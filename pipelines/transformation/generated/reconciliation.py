"""Reconciled spans: from when until when an event counts that another source tells of as well."""

from __future__ import annotations

from typing import Final

from aurora.events.reconciliation import RECONCILED, apart_sql, rank_sql, tell_of_one_sql
from pipelines.transformation.generated.texts import sql_file

SOURCE: Final = "aurora/events/reconciliation.py"
MODEL: Final = "int_reconciled_spans"


def reconciliation_files() -> dict[str, str]:
    """Path below `models/` → text. The model's description is written by hand, in _intermediate.yml."""
    types = ", ".join(f"'{name}'" for name in RECONCILED)
    ranks = rank_sql()
    computed = "\n".join(f"        {text} as {name}," for name, text in ranks.items() if name != text)
    order = ", ".join(f"rivals.{name}" for name in ranks)
    lower = ", ".join(f"reports.{name}" for name in ranks)
    tell_of_one = tell_of_one_sql("rivals", "reports").replace("\n", "\n            ")
    text = f"""
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': 'stg_touched_days'}},
    indexes=[
        {{'columns': ['user_id', 'local_date']}},
        {{'columns': ['user_id', 'event_id', 'version']}},
    ],
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}

with

reports as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.type,
        events.local_date,
        events.precision,
        events.source_name,
        coalesce(events.source_device, '') as source_device,
        events.started_at,
        coalesce(events.ended_at, events.started_at) as ended_at,
        {apart_sql()} as apart,
{computed}
        events.alive_from,
        events.alive_until

    from {{{{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}}}
    where
        events.type in ({types})
        and not events.is_deleted
        and events.alive_from < events.alive_until

),

pairs as (

    select
        reports.user_id,
        reports.event_id,
        reports.version,
        reports.local_date,
        reports.alive_from,
        reports.alive_until,
        rivals.event_id as rival_id,
        row_number() over (
            partition by reports.user_id, reports.event_id, reports.version
            order by {order}
        ) as rival_rank,
        greatest(rivals.alive_from, reports.alive_from) as hidden_from,
        least(rivals.alive_until, reports.alive_until) as hidden_until

    from reports
    inner join reports as rivals
        on
            reports.user_id = rivals.user_id
            and reports.type = rivals.type
            and reports.local_date = rivals.local_date
            and reports.apart = rivals.apart
            and ({order}) < ({lower})
            and {tell_of_one}
    where greatest(rivals.alive_from, reports.alive_from) < least(rivals.alive_until, reports.alive_until)

),

hidden as (

    select
        user_id,
        event_id,
        version,
        local_date,
        alive_from,
        alive_until,
        range_agg(tstzrange(hidden_from, hidden_until)) as spans,
        (array_agg(rival_id order by rival_rank) filter (where hidden_until = 'infinity'))[1] as outranked_by

    from pairs
    group by user_id, event_id, version, local_date, alive_from, alive_until

),

-- What never counts has one empty span, so that whoever joins this knows.
spans as (

    select
        hidden.user_id,
        hidden.event_id,
        hidden.version,
        hidden.local_date,
        hidden.outranked_by,
        coalesce(lower(counted.span), hidden.alive_from) as counts_from,
        coalesce(upper(counted.span), hidden.alive_from) as counts_until

    from hidden
    left join lateral
        unnest(tstzmultirange(tstzrange(hidden.alive_from, hidden.alive_until)) - hidden.spans) as counted (span)
        on true

)

select * from spans
"""
    return {f"intermediate/{MODEL}.sql": sql_file(MODEL, SOURCE, text)}
