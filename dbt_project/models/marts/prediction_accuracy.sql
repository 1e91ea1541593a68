with

predictions as (

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
        hours_until_rated,
        horizon_hours,
        value,
        rated_value,
        value - rated_value as error,
        abs(value - rated_value) as absolute_error,
        baseline,
        baseline_name,
        abs(baseline - rated_value) as baseline_absolute_error,
        lower,
        upper,
        rated_value between lower and upper as is_in_interval,
        class,
        baseline_class,
        rated_class,
        class = rated_class as is_class_right,
        baseline_class = rated_class as is_baseline_class_right

    from {{ ref('predictions') }}
    where has_truth

)

select * from predictions
