-- Of how many days each measure is known: what stands before every mean.
with

days as (

    select
        users.cohort,
        summary.*

    from analysts.daily_summary as summary
    inner join analysts.users as users on summary.person_key = users.person_key
    where summary.events > 0

)

select
    days.cohort,
    measures.measure,
    round(100.0 * count(measures.value) / count(*), 1)::float8 as percent

from days
cross join lateral (
    values
    ('sleep', days.sleep_minutes),
    ('energy', days.energy_mean),
    ('mood', days.mood_mean),
    ('stress', days.stress_mean),
    ('steps', days.steps),
    ('work', days.work_minutes),
    ('resting heart rate', days.resting_heart_rate_bpm),
    ('HRV', days.hrv_rmssd_ms),
    ('weight', days.weight_kg)
) as measures (measure, value)
group by days.cohort, measures.measure
order by days.cohort, percent
