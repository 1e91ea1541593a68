-- The life score of the people of a cohort, day by day. Days with fewer than three people have none: the line breaks there,
-- instead of crossing months that nobody told of.
with

scored as (

    select
        users.cohort,
        days.local_date,
        round(avg(days.life_score)::numeric, 1)::float8 as life_score,
        count(*) as people

    from analysts.daily_summary as days
    inner join analysts.users as users on days.person_key = users.person_key
    where days.life_score is not null
    group by users.cohort, days.local_date
    having count(*) >= 3

),

calendar as (

    select
        cohort,
        generate_series(min(local_date), max(local_date), interval '1 day')::date as local_date

    from scored
    group by cohort

)

select
    calendar.cohort,
    calendar.local_date,
    scored.life_score,
    scored.people

from calendar
left join scored on calendar.cohort = scored.cohort and calendar.local_date = scored.local_date
order by calendar.cohort, calendar.local_date
