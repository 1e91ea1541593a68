-- Written by `aurora generate` from aurora/events/mood_classes.py and aurora/predictions/truth.py; do not edit.
-- sqlfluff:max_line_length:0
with

predictions as (

    select * from {{ ref('stg_predictions') }}

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
        predictions.as_of + interval '24 hours' as truth_due_at,
        label.label_event_id is not null as has_truth,
        label.label_event_id,
        label.rated_at,
        label.hours_until_rated,
        case
            when label.hours_until_rated <= 1 then 1
            when label.hours_until_rated <= 24 then 24
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
                    when labels.value >= -1.0 and labels.value < -0.6 then 'very_negative'
                    when labels.value >= -0.6 and labels.value < -0.2 then 'negative'
                    when labels.value >= -0.2 and labels.value <= 0.2 then 'neutral'
                    when labels.value > 0.2 and labels.value <= 0.6 then 'positive'
                    when labels.value > 0.6 and labels.value <= 1.0 then 'very_positive'
                end
            end as rated_class
        from {{ ref('int_labels') }} as labels
        where
            labels.user_id = predictions.user_id
            and labels.target = predictions.model_name
            and labels.as_of between
            predictions.as_of - interval '2 days' and predictions.as_of + interval '24 hours'
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
        from (values ('very_negative', (predictions.features ->> 'mood_very_negative_ewma_28d')::float8), ('negative', (predictions.features ->> 'mood_negative_ewma_28d')::float8), ('neutral', (predictions.features ->> 'mood_neutral_ewma_28d')::float8), ('positive', (predictions.features ->> 'mood_positive_ewma_28d')::float8), ('very_positive', (predictions.features ->> 'mood_very_positive_ewma_28d')::float8)) as shares (class, share)
        where predictions.model_name = 'mood' and shares.share is not null
        order by shares.share desc, shares.class
        limit 1
    ) as usual on true

)

select * from judged
