-- Why are sleep scores low?
-- Each factor says how many points it gave of how many it could; missing ones have no points.
select
    factor ->> 'name' as factor,
    round(avg((factor ->> 'points')::float8)::numeric, 1) as points_of_100,
    round(avg((factor ->> 'weight')::float8)::numeric, 2) as weight,
    count(factor ->> 'points') as nights_that_tell,
    count(*) as nights

from analysts.scores as scores
cross join lateral jsonb_array_elements(scores.factors) as factor
where scores.score_name = 'sleep' and scores.score_state = 'SCORED'
group by factor ->> 'name'
order by points_of_100, factor
