-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

users as (

    select * from {{ ref('users') }}

),

energy_vectors as (

    select
        newest.user_id,
        'energy' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    -- By an index, a person at a time.
    cross join lateral (
        select * from {{ ref('moment_energy_features') }} as known
        where known.user_id = users.user_id and {{ has_happened('known.as_of') }}
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by known.as_of desc, known.precision desc
        limit 1
    ) as newest

),

mood_vectors as (

    select
        newest.user_id,
        'mood' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    -- By an index, a person at a time.
    cross join lateral (
        select * from {{ ref('moment_mood_features') }} as known
        where known.user_id = users.user_id and {{ has_happened('known.as_of') }}
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by known.as_of desc, known.precision desc
        limit 1
    ) as newest

),

features as (

    select * from energy_vectors
    union all
    select * from mood_vectors

)

select * from features
