-- Is the night after much caffeine shorter?
-- Days of each person, cut at their own median: the next night is the one that ends a day later.
with

days as (

    select
        person_key,
        local_date,
        caffeine_mg,
        percent_rank() over (partition by person_key order by caffeine_mg) > 0.5 as is_much

    from analysts.daily_summary
    where caffeine_mg is not null

),

after_nights as (

    select
        days.person_key,
        avg(nights.asleep_minutes) filter (where days.is_much) as after_much,
        avg(nights.asleep_minutes) filter (where not days.is_much) as after_little

    from days
    inner join analysts.nights as nights
        on days.person_key = nights.person_key and days.local_date + 1 = nights.local_date
    group by days.person_key

)

select
    count(*) as people,
    round(avg(after_much - after_little)::numeric, 1) as minutes_more_after_much,
    round((stddev(after_much - after_little) / sqrt(count(*)) * 1.96)::numeric, 1) as plus_minus

from after_nights
where after_much is not null and after_little is not null
