"""Predictions with their truth, and days in the long form: marts that list what the kernel's catalogues list."""

from __future__ import annotations

from typing import Final

from aurora.events.mood_classes import MOOD_CLASSES
from aurora.predictions.truth import HORIZON_HOURS, NEAR_HOURS
from pipelines.transformation.generated.days import DAY_MEASURES
from pipelines.transformation.generated.texts import indented, sql_file

_PREDICTIONS: Final = "aurora/events/mood_classes.py and aurora/predictions/truth.py"
_EVENTS: Final = "aurora/events/catalogue.py"

# Column of a night → the metric that it is.
NIGHT_METRICS: Final[dict[str, str]] = {
    "asleep_minutes": "sleep_minutes",
    "efficiency_percent": "sleep_efficiency_percent",
}


def mart_files() -> dict[str, str]:
    """Path below `models/` → text. Their descriptions are written by hand, in the YAML beside them."""
    return {
        "marts/predictions.sql": sql_file("predictions", _PREDICTIONS, _predictions_sql()),
        "marts/daily_metrics.sql": sql_file("daily_metrics", _EVENTS, _daily_metrics_sql()),
    }


def _predictions_sql() -> str:
    classes = "\n".join(
        f"                    when {mood.sql('labels.value')} then '{mood.name}'" for mood in MOOD_CLASSES
    )
    shares = ", ".join(
        f"('{mood.name}', (predictions.features ->> 'mood_{mood.name}_ewma_28d')::float8)"
        for mood in MOOD_CLASSES
    )
    return f"""
with

predictions as (

    select * from {{{{ ref('stg_predictions') }}}}

),

judged as (

    select
        predictions.prediction_id,
        predictions.user_id,
        predictions.model_name,
        predictions.model_version,
        predictions.model_source,
        predictions.origin,
        predictions.as_of,
        predictions.local_date,
        predictions.made_at,
        predictions.created_at,
        predictions.value,
        predictions.class,
        predictions.lower,
        predictions.upper,
        predictions.baseline,
        predictions.baseline_name,
        -- Of five classes the baseline answers the one that the person was in most of late.
        case when predictions.baseline is not null then usual.class end as baseline_class,
        predictions.as_of + interval '{HORIZON_HOURS} hours' as truth_due_at,
        label.label_event_id is not null as has_truth,
        label.label_event_id,
        label.rated_at,
        label.hours_until_rated,
        case
            when label.hours_until_rated <= {NEAR_HOURS} then {NEAR_HOURS}
            when label.hours_until_rated <= {HORIZON_HOURS} then {HORIZON_HOURS}
        end as horizon_hours,
        label.rated_value,
        label.rated_class

    from predictions
    -- What a prediction says of its instant is what the person would answer then: the next rating, within its horizon,
    -- is the truth. Neither the prediction nor what its version learned from had it, and a correction is no news.
    left join lateral (
        select
            labels.label_event_id,
            labels.as_of as rated_at,
            greatest(extract(epoch from labels.as_of - predictions.as_of), 0)::float8 / 3600 as hours_until_rated,
            labels.value as rated_value,
            case labels.target
                when 'mood' then case
{classes}
                end
            end as rated_class
        from {{{{ ref('int_labels') }}}} as labels
        where
            labels.user_id = predictions.user_id
            and labels.target = predictions.model_name
            and labels.as_of between
            predictions.as_of - interval '2 days' and predictions.as_of + interval '{HORIZON_HOURS} hours'
            -- One with a date only is of the whole day, whose beginning is over.
            and (
                labels.as_of >= predictions.as_of
                or (labels.precision = 'day' and labels.local_date = predictions.local_date)
            )
            and labels.first_known_at > predictions.made_at
            and (predictions.model_version is null or labels.first_known_at > predictions.trained_until)
        order by labels.as_of, labels.label_event_id
        limit 1
    ) as label on true
    left join lateral (
        select shares.class
        from (values {shares}) as shares (class, share)
        where predictions.model_name = 'mood' and shares.share is not null
        order by shares.share desc, shares.class
        limit 1
    ) as usual on true

)

select * from judged
"""


def _daily_metrics_sql() -> str:
    of_day = [f"('{column}', days.{column})" for column in DAY_MEASURES]
    of_night = [f"('{metric}', nights.{column})" for column, metric in NIGHT_METRICS.items()]
    return f"""
with

days as (

    select
        days.user_id,
        days.local_date,
        metric.metric_name,
        metric.value

    from {{{{ ref('int_days') }}}} as days
    cross join lateral (
        values
{indented(of_day, 8)}
    ) as metric (metric_name, value)
    where {{{{ has_happened('days.day_started_at') }}}}

),

nights as (

    select
        nights.user_id,
        nights.local_date,
        metric.metric_name,
        metric.value

    from {{{{ ref('int_nights') }}}} as nights
    cross join lateral (
        values
{indented(of_night, 8)}
    ) as metric (metric_name, value)
    where {{{{ has_happened('coalesce(nights.ended_at, nights.started_at)') }}}}

),

scores as (

    select
        user_id,
        local_date,
        score_name || '_score' as metric_name,
        score as value

    from {{{{ ref('scores') }}}}

),

metrics as (

    select * from days
    union all
    select * from nights
    union all
    select * from scores

)

select * from metrics
where value is not null
"""
