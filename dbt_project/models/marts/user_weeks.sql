with

days as (

    select
        users.cohort,
        days.user_id,
        date_trunc('week', days.local_date)::date as week_date,
        days.events

    from {{ ref('daily_summary') }} as days
    inner join {{ ref('users') }} as users on days.user_id = users.user_id
    where days.events > 0

),

weeks as (

    select
        cohort,
        user_id,
        week_date,
        count(*) as active_days,
        sum(events) as events,
        lead(week_date) over (partition by user_id order by week_date) as next_week_date

    from days
    group by cohort, user_id, week_date

),

returns as (

    select
        weeks.user_id,
        weeks.week_date,
        weeks.active_days,
        weeks.events,
        case
            when weeks.next_week_date = weeks.week_date + 7 then true
            when ends.last_date >= weeks.week_date + 13 then false
        end as has_returned

    from weeks
    inner join {{ ref('int_cohort_ends') }} as ends on weeks.cohort = ends.cohort

)

select * from returns
