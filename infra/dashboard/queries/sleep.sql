-- Sleep per night: the mean over people of each one's mean, by weekday.
with

people as (

    select
        users.cohort,
        nights.person_key,
        extract(isodow from nights.local_date) as number,
        avg(nights.asleep_minutes) / 60 as hours

    from analysts.nights as nights
    inner join analysts.users as users on nights.person_key = users.person_key
    where nights.asleep_minutes is not null
    group by users.cohort, nights.person_key, number

)

select
    cohort,
    (array['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[number::integer] as weekday,
    round(avg(hours)::numeric, 2)::float8 as hours,
    round((1.96 * stddev(hours) / sqrt(count(*)))::numeric, 2)::float8 as plus_minus,
    count(*) as people

from people
group by cohort, number
order by cohort, number
