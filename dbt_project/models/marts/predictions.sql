-- Written by `aurora generate` from aurora/events/mood_classes.py; do not edit.
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
        label.rated_value,
        label.rated_class

    from predictions
    -- The next rating, within a day: what a prediction says of its instant is what the person would answer then.
    left join lateral (
        select
            labels.label_event_id,
            labels.as_of as rated_at,
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
            and labels.as_of >= predictions.as_of
            and labels.as_of <= predictions.as_of + interval '24 hours'
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
