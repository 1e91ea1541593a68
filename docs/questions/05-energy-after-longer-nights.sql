-- Do people have more energy after longer nights, each compared with themselves?
-- Centred on the person: that some sleep more and are livelier anyway plays no part.
with

centred as (

    select
        users.cohort,
        days.energy_mean - avg(days.energy_mean) over person as energy,
        (days.sleep_minutes - avg(days.sleep_minutes) over person) / 60 as sleep_hours

    from analysts.daily_summary as days
    inner join analysts.users as users on days.person_key = users.person_key
    where days.energy_mean is not null and days.sleep_minutes is not null
    window person as (partition by days.person_key)

)

select
    cohort,
    round(corr(energy, sleep_hours)::numeric, 2) as r,
    round(regr_slope(energy, sleep_hours)::numeric, 2) as energy_per_hour,
    count(*) as days

from centred
group by cohort
order by cohort
