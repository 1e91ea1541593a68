with

metrics as (

    select * from {{ ref('daily_metrics') }}

),

weekdays as (

    select
        user_id,
        metric_name,
        extract(isodow from local_date)::integer as iso_weekday,
        count(*) as days,
        avg(value order by local_date) as mean,
        stddev_samp(value order by local_date) as standard_deviation,
        sum(value order by local_date) as total

    from metrics
    group by user_id, metric_name, extract(isodow from local_date)

),

averages as (

    select
        user_id,
        metric_name,
        iso_weekday,
        (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[iso_weekday] as weekday,
        days,
        mean,
        standard_deviation,
        -- Against the other weekdays, each day counting once: null for who has only this one.
        mean - (sum(total) over person - total) / nullif(sum(days) over person - days, 0) as difference_from_other_days

    from weekdays
    window person as (
        partition by user_id, metric_name
        order by iso_weekday rows between unbounded preceding and unbounded following
    )

)

select * from averages
