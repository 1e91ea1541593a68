-- The life score of the people of a cohort, day by day; days with fewer than three people are left out.
select
    users.cohort,
    days.local_date,
    round(avg(days.life_score)::numeric, 1)::float8 as life_score,
    count(*) as people

from analysts.daily_summary as days
inner join analysts.users as users on days.person_key = users.person_key
where days.life_score is not null
group by users.cohort, days.local_date
having count(*) >= 3
order by users.cohort, days.local_date
