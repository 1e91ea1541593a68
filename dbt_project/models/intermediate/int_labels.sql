{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_changed_days'},
    indexes=[
        {'columns': ['user_id', 'label_event_id', 'target'], 'unique': true},
        {'columns': ['user_id', 'local_date']},
        {'columns': ['user_id', 'as_of']},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

energy_ratings as (

    select energy.* from {{ rows_of_days(ref('stg_events__energy'), 'energy', ref('int_changed_days'), of_log=true) }}

),

mood_ratings as (

    select mood.* from {{ rows_of_days(ref('stg_events__mood'), 'mood', ref('int_changed_days'), of_log=true) }}

),

-- The version that counts now; a rating that was deleted is no label.
ratings as (

    select
        'energy' as target,
        user_id,
        event_id,
        local_date,
        started_at,
        day_started_at,
        local_started_at,
        precision,
        form_id,
        known_at,
        first_available_at,
        energy as value

    from energy_ratings
    where alive_until = 'infinity' and not is_deleted

    union all

    select
        'mood' as target,
        user_id,
        event_id,
        local_date,
        started_at,
        day_started_at,
        local_started_at,
        precision,
        form_id,
        known_at,
        first_available_at,
        valence as value

    from mood_ratings
    where alive_until = 'infinity' and not is_deleted

),

-- Nobody asks for them where all are built.
asked_forms as ( -- noqa: ST03

    select distinct user_id, form_id from ratings
    where form_id is not null
    order by user_id, form_id

),

forms as (

    select
        form_days.user_id,
        form_days.form_id,
        min(form_days.first_available_at) as first_available_at

    {% if is_incremental() %}
    from {{ rows_looked_up(ref('int_form_days'), 'form_days', 'asked_forms', by=('user_id', 'form_id')) }}
    {% else %}
    from {{ ref('int_form_days') }} as form_days
    {% endif %}
    group by form_days.user_id, form_days.form_id

),

labels as (

    select
        ratings.user_id,
        ratings.target,
        ratings.event_id as label_event_id,
        -- Just before anything of the same form was known: no answer may explain another.
        least(
            case when ratings.precision = 'day' then ratings.day_started_at else ratings.started_at end,
            least(forms.first_available_at, ratings.first_available_at) - interval '1 microsecond'
        ) as as_of,
        ratings.value,
        ratings.known_at,
        -- A correction tells anew what was known before: whoever learned the rating had seen it by then.
        ratings.first_available_at as first_known_at,
        ratings.local_date,
        case
            when ratings.precision = 'instant'
                then floor(extract(epoch from ratings.local_started_at - ratings.local_date))::integer
        end as local_seconds,
        ratings.precision,
        ratings.form_id

    from ratings
    left join forms
        on ratings.user_id = forms.user_id and ratings.form_id = forms.form_id

)

select * from labels
