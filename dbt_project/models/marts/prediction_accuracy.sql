-- Written by `aurora generate` from aurora/events/mood_classes.py; do not edit.
-- sqlfluff:max_line_length:0
with

predictions as (

    select * from {{ ref('stg_predictions') }}

),

-- The next rating, within a day: what a prediction says of its instant is what the person would answer then.
judged as (

    select
        predictions.*,
        label.label_event_id,
        label.rated_at,
        label.rated_value,
        label.rated_class

    from predictions
    cross join lateral (
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
    ) as label

),

accuracy as (

    select
        prediction_id,
        user_id,
        model_name,
        model_version,
        model_source,
        origin,
        as_of,
        local_date,
        label_event_id,
        rated_at,
        value,
        rated_value,
        value - rated_value as error,
        abs(value - rated_value) as absolute_error,
        baseline,
        baseline_name,
        abs(baseline - rated_value) as baseline_absolute_error,
        rated_value between lower and upper as is_in_interval,
        class,
        rated_class,
        class = rated_class as is_class_right

    from judged

)

select * from accuracy
