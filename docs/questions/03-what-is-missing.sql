-- Of how many days is each measure known?
-- A null says that nobody told: this table stands before every mean.
select
    users.cohort,
    round(100.0 * count(days.sleep_minutes) / count(*), 1) as sleep_percent,
    round(100.0 * count(days.energy_mean) / count(*), 1) as energy_percent,
    round(100.0 * count(days.mood_mean) / count(*), 1) as mood_percent,
    round(100.0 * count(days.steps) / count(*), 1) as steps_percent,
    round(100.0 * count(days.hrv_rmssd_ms) / count(*), 1) as hrv_percent,
    count(*) as days

from analysts.daily_summary as days
inner join analysts.users as users on days.person_key = users.person_key
where days.events > 0
group by users.cohort
order by users.cohort
