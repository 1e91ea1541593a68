with

judged as (

    select
        users.cohort,
        accuracy.user_id,
        accuracy.model_name,
        coalesce(accuracy.model_version, 'none') as model_version,
        date_trunc('week', accuracy.local_date)::date as week_date,
        accuracy.horizon_hours,
        accuracy.model_source,
        accuracy.label_event_id,
        accuracy.value,
        accuracy.rated_value,
        accuracy.baseline,
        accuracy.error,
        accuracy.absolute_error,
        accuracy.baseline_absolute_error,
        accuracy.upper - accuracy.lower as interval_width,
        accuracy.is_in_interval,
        accuracy.is_class_right,
        accuracy.is_baseline_class_right

    from {{ ref('prediction_accuracy') }} as accuracy
    inner join {{ ref('users') }} as users on accuracy.user_id = users.user_id
    where accuracy.value is not null

),

-- Each person against themselves: that people differ from one another is no skill.
centred as (

    select
        *,
        value - avg(value) over person as centred_value,
        baseline - avg(baseline) over person as centred_baseline,
        rated_value - avg(rated_value) over person as centred_rated_value

    from judged
    window person as (partition by cohort, model_name, model_version, week_date, horizon_hours, user_id)

),

accuracy as (

    select
        cohort,
        model_name,
        model_version,
        week_date,
        horizon_hours,
        count(*) as predictions,
        count(distinct label_event_id) as ratings,
        count(distinct user_id) as users,
        avg((model_source = 'model')::integer)::float8 as model_share,
        avg(absolute_error) as mean_absolute_error,
        -- Where there is no baseline yet, a model cannot be compared with one.
        avg(absolute_error) filter (where baseline is not null) as compared_mean_absolute_error,
        avg(baseline_absolute_error) as baseline_mean_absolute_error,
        1 - avg(absolute_error) filter (where baseline is not null) / nullif(avg(baseline_absolute_error), 0) as skill,
        avg(error) as bias,
        corr(centred_value, centred_rated_value) as within_person_r,
        corr(centred_baseline, centred_rated_value) as baseline_within_person_r,
        avg(is_in_interval::integer)::float8 as interval_coverage,
        avg(interval_width) as interval_width,
        avg(is_class_right::integer)::float8 as class_accuracy,
        avg(is_baseline_class_right::integer)::float8 as baseline_class_accuracy

    from centred
    group by cohort, model_name, model_version, week_date, horizon_hours

)

select * from accuracy
