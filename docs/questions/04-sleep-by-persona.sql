-- Who sleeps how long, and how regularly?
-- First a mean per person, then over people: who has more nights counts no more than others.
with

people as (

    select
        users.persona,
        nights.person_key,
        avg(nights.asleep_minutes) as asleep_minutes,
        avg(abs(nights.bedtime_deviation_minutes)) as deviation_minutes

    from analysts.nights as nights
    inner join analysts.users as users on nights.person_key = users.person_key
    where users.persona is not null
    group by users.persona, nights.person_key

)

select
    persona,
    count(*) as people,
    round((avg(asleep_minutes) / 60)::numeric, 2) as sleep_hours,
    round(avg(deviation_minutes)::numeric) as minutes_off_the_usual_bedtime

from people
group by persona
order by sleep_hours, persona
