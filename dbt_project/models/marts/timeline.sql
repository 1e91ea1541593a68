with

events as (

    select
        user_id,
        started_at as happened_at,
        local_date,
        'event' as noun,
        type as name,
        event_id::text as record_id,
        is_counted,
        payload_numbers as detail

    from {{ ref('events') }}
    where {{ has_happened('started_at') }}

),

scores as (

    select
        user_id,
        as_of as happened_at,
        local_date,
        'score' as noun,
        score_name as name,
        score_name || ' ' || local_date as record_id,
        true as is_counted,
        jsonb_build_object('score', score, 'score_state', score_state, 'coverage', coverage) as detail

    from {{ ref('scores') }}
    where score_state = 'SCORED'

),

predictions as (

    select
        user_id,
        as_of as happened_at,
        local_date,
        'prediction' as noun,
        model_name as name,
        prediction_id::text as record_id,
        true as is_counted,
        jsonb_build_object(
            'value', value, 'class', class, 'lower', lower, 'upper', upper, 'model_source', model_source
        ) as detail

    from {{ ref('stg_predictions') }}

),

timeline as (

    select * from events
    union all
    select * from scores
    union all
    select * from predictions

)

select * from timeline
