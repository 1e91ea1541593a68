-- How does a person's week look?
-- Here the person of whom most days were told, of several the one who slept least; put a key in place of the first step.
with

person as (

    select person_key
    from analysts.daily_summary
    where events > 0
    group by person_key
    order by count(*) desc, sum(sleep_minutes)
    limit 1

)

select
    days.local_date,
    round((days.sleep_minutes / 60)::numeric, 1) as sleep_hours,
    round(days.energy_mean::numeric, 1) as energy,
    round(days.mood_mean::numeric, 2) as mood,
    round(days.sleep_score::numeric) as sleep_score,
    days.life_score_state

from analysts.daily_summary as days
inner join person on days.person_key = person.person_key
where days.local_date <= date '2026-05-31'
order by days.local_date desc
limit 7
