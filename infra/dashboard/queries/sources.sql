-- How many people each source tells of, on how many days, and how well it covers what it tells: its measures, person by
-- person.
with

people as (

    select
        users.cohort,
        coverage.source_name,
        coverage.person_key,
        max(coverage.days) as days,
        count(*) filter (where coverage.coverage_state = 'complete') as complete,
        count(*) filter (where coverage.coverage_state <> 'complete') as incomplete

    from analysts.coverage as coverage
    inner join analysts.users as users on coverage.person_key = users.person_key
    group by users.cohort, coverage.source_name, coverage.person_key

)

select
    cohort,
    source_name,
    count(*) as people,
    sum(days)::bigint as days,
    sum(complete)::bigint as complete,
    sum(incomplete)::bigint as incomplete

from people
group by cohort, source_name
order by cohort, days
