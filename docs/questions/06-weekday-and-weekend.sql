-- How does the week run?
-- Weekdays are the person's own: local_date needs no time zone.
select
    to_char(local_date, 'Dy') as weekday,
    round((avg(sleep_minutes) / 60)::numeric, 2) as sleep_hours,
    round((avg(work_minutes) / 60)::numeric, 2) as work_hours,
    round(avg(energy_mean)::numeric, 2) as energy,
    round(avg(mood_mean)::numeric, 3) as mood,
    count(*) as days

from analysts.daily_summary
where events > 0
group by extract(isodow from local_date), weekday
order by extract(isodow from local_date)
