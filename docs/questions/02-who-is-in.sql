-- Who is in, and how much of each life?
-- A day counts when anything at all was told of it.
select
    users.cohort,
    count(distinct users.person_key) as people,
    count(*) filter (where days.events > 0) as days,
    round(avg(days.events) filter (where days.events > 0), 1) as events_a_day,
    min(days.local_date) filter (where days.events > 0) as first_day,
    max(days.local_date) filter (where days.events > 0) as last_day

from analysts.users as users
inner join analysts.daily_summary as days on users.person_key = days.person_key
group by users.cohort
order by users.cohort
