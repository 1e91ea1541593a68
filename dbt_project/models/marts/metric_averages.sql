with

metrics as (

    select
        daily_metrics.*,
        ends.last_date as present_date

    from {{ ref('daily_metrics') }} as daily_metrics
    inner join {{ ref('users') }} as users on daily_metrics.user_id = users.user_id
    inner join {{ ref('int_cohort_ends') }} as ends on users.cohort = ends.cohort

),

-- A trend of fewer than seven days says more of the days than of the person. In order, so that sums of floats are the
-- same however the rows came.
averages as (

    select
        user_id,
        metric_name,
        present_date,
        count(*) as days,
        min(local_date) as first_date,
        max(local_date) as last_date,
        avg(value order by local_date) as mean,
        stddev_samp(value order by local_date) as standard_deviation,
        min(value) as lowest,
        max(value) as highest,
        case when count(*) >= 7 then 7 * regr_slope(value, local_date - present_date order by local_date) end as trend_per_week,
        count(*) filter (where is_last_7d) as days_last_7d,
        avg(value order by local_date) filter (where is_last_7d) as mean_last_7d,
        count(*) filter (where is_last_28d) as days_last_28d,
        avg(value order by local_date) filter (where is_last_28d) as mean_last_28d,
        case
            when count(*) filter (where is_last_28d) >= 7
                then 7 * regr_slope(value, local_date - present_date order by local_date) filter (where is_last_28d)
        end as trend_last_28d_per_week

    from (
        select
            *,
            local_date between present_date - 6 and present_date as is_last_7d,
            local_date between present_date - 27 and present_date as is_last_28d

        from metrics
    ) as windowed
    group by user_id, metric_name, present_date

)

select * from averages
