with

users as (

    select * from {{ ref('users') }}

),

energy as (

    select
        users.user_id,
        'energy' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    cross join lateral (
        select * from {{ ref('moment_energy_features') }} as moments
        where moments.user_id = users.user_id
        order by moments.as_of desc, moments.precision desc
        limit 1
    ) as newest

),

mood as (

    select
        users.user_id,
        'mood' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    cross join lateral (
        select * from {{ ref('moment_mood_features') }} as moments
        where moments.user_id = users.user_id
        order by moments.as_of desc, moments.precision desc
        limit 1
    ) as newest

),

features as (

    select * from energy
    union all
    select * from mood

)

select * from features
