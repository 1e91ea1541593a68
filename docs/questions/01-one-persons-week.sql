-- How does a person's week look?
-- Here the person with the most days; put a key in place of the first step.
with

person as (

    select person_key
    from analysts.daily_summary
    group by person_key
    order by count(*) desc, person_key
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
where days.local_date <= date '2026-11-22'
order by days.local_date desc
limit 7
