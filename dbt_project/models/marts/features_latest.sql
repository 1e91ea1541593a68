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
        to_jsonb(moments) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    -- The newest moment by one table's index, then its vector: a vector is a join of several tables.
    cross join lateral (
        select user_id, local_date, as_of, precision
        from {{ ref('moment_clock_features') }} as known
        where known.user_id = users.user_id and {{ has_happened('known.as_of') }}
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by known.as_of desc, known.precision desc
        limit 1
    ) as newest
    cross join lateral (
        select * from {{ ref('moment_energy_features') }} as vectors
        where
            vectors.user_id = newest.user_id
            and vectors.local_date = newest.local_date
            and vectors.as_of = newest.as_of
            and vectors.precision = newest.precision
        -- A fence: Postgres would join the view's tables with one another first.
        offset 0  -- noqa: AM09
    ) as moments

),

mood_vectors as (

    select
        newest.user_id,
        'mood' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(moments) - array['user_id', 'local_date', 'as_of', 'precision'] as features

    from users
    -- The newest moment by one table's index, then its vector: a vector is a join of several tables.
    cross join lateral (
        select user_id, local_date, as_of, precision
        from {{ ref('moment_clock_features') }} as known
        where known.user_id = users.user_id and {{ has_happened('known.as_of') }}
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by known.as_of desc, known.precision desc
        limit 1
    ) as newest
    cross join lateral (
        select * from {{ ref('moment_mood_features') }} as vectors
        where
            vectors.user_id = newest.user_id
            and vectors.local_date = newest.local_date
            and vectors.as_of = newest.as_of
            and vectors.precision = newest.precision
        -- A fence: Postgres would join the view's tables with one another first.
        offset 0  -- noqa: AM09
    ) as moments

),

features as (

    select * from energy_vectors
    union all
    select * from mood_vectors

)

select * from features
