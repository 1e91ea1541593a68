-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

events as (

    select
        events.*,
        coalesce(spans.counts_from, events.alive_from) as counts_from,
        coalesce(spans.counts_until, events.alive_until) as counts_until

    from {{ ref('stg_events') }} as events
    left join {{ ref('int_reconciled_spans') }} as spans
        on
            events.user_id = spans.user_id
            and events.event_id = spans.event_id
            and events.version = spans.version
    where not events.is_deleted

),

measurements as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.type,
        events.started_at,
        events.local_date,
        measured.measure,
        measured.value,
        case when measured.measure = 'mood' then case when precision = 'instant' and extract(hour from local_started_at) >= 0 and extract(hour from local_started_at) < 6 then round((payload ->> 'valence')::numeric * 1000)::bigint end end as mood_night,
        case when measured.measure = 'mood' then case when precision = 'instant' and extract(hour from local_started_at) >= 6 and extract(hour from local_started_at) < 12 then round((payload ->> 'valence')::numeric * 1000)::bigint end end as mood_morning,
        case when measured.measure = 'mood' then case when precision = 'instant' and extract(hour from local_started_at) >= 12 and extract(hour from local_started_at) < 18 then round((payload ->> 'valence')::numeric * 1000)::bigint end end as mood_afternoon,
        case when measured.measure = 'mood' then case when precision = 'instant' and extract(hour from local_started_at) >= 18 and extract(hour from local_started_at) < 24 then round((payload ->> 'valence')::numeric * 1000)::bigint end end as mood_evening,
        case when measured.measure = 'mood' then round(case when (payload ->> 'valence')::numeric is not null then ((payload ->> 'valence')::numeric >= -1.0 and (payload ->> 'valence')::numeric < -0.6)::integer end * 1)::bigint end as mood_very_negative,
        case when measured.measure = 'mood' then round(case when (payload ->> 'valence')::numeric is not null then ((payload ->> 'valence')::numeric >= -0.6 and (payload ->> 'valence')::numeric < -0.2)::integer end * 1)::bigint end as mood_negative,
        case when measured.measure = 'mood' then round(case when (payload ->> 'valence')::numeric is not null then ((payload ->> 'valence')::numeric >= -0.2 and (payload ->> 'valence')::numeric <= 0.2)::integer end * 1)::bigint end as mood_neutral,
        case when measured.measure = 'mood' then round(case when (payload ->> 'valence')::numeric is not null then ((payload ->> 'valence')::numeric > 0.2 and (payload ->> 'valence')::numeric <= 0.6)::integer end * 1)::bigint end as mood_positive,
        case when measured.measure = 'mood' then round(case when (payload ->> 'valence')::numeric is not null then ((payload ->> 'valence')::numeric > 0.6 and (payload ->> 'valence')::numeric <= 1.0)::integer end * 1)::bigint end as mood_very_positive,
        case when measured.measure = 'energy' then case when precision = 'instant' and extract(hour from local_started_at) >= 0 and extract(hour from local_started_at) < 6 then round((payload ->> 'energy')::numeric * 1000)::bigint end end as energy_night,
        case when measured.measure = 'energy' then case when precision = 'instant' and extract(hour from local_started_at) >= 6 and extract(hour from local_started_at) < 12 then round((payload ->> 'energy')::numeric * 1000)::bigint end end as energy_morning,
        case when measured.measure = 'energy' then case when precision = 'instant' and extract(hour from local_started_at) >= 12 and extract(hour from local_started_at) < 18 then round((payload ->> 'energy')::numeric * 1000)::bigint end end as energy_afternoon,
        case when measured.measure = 'energy' then case when precision = 'instant' and extract(hour from local_started_at) >= 18 and extract(hour from local_started_at) < 24 then round((payload ->> 'energy')::numeric * 1000)::bigint end end as energy_evening,
        coalesce(events.ended_at, events.started_at) as at,
        events.counts_from as alive_from,
        events.counts_until as alive_until

    from events
    cross join lateral
        unnest(
            case events.type
                when 'sleep.recorded' then array['sleep_minutes', 'main_sleep_minutes', 'nap_minutes', 'sleep_deep_minutes', 'sleep_rem_minutes', 'sleep_awake_minutes', 'sleep_efficiency', 'sleep_quality']
                when 'exercise.recorded' then array['exercise_minutes', 'exercise_load', 'exercise_moderate_minutes', 'exercise_vigorous_minutes', 'active_minutes']
                when 'steps.counted' then array['steps']
                when 'work.recorded' then array['work_minutes']
                when 'meal.eaten' then array['meals', 'meal_energy']
                when 'hydration.drunk' then array['hydration']
                when 'caffeine.consumed' then array['caffeine', 'caffeine_night', 'caffeine_morning', 'caffeine_afternoon', 'caffeine_evening']
                when 'alcohol.consumed' then array['alcohol']
                when 'social.met' then array['social_events', 'social_minutes']
                when 'mood.rated' then array['mood']
                when 'energy.rated' then array['energy']
                when 'stress.rated' then array['stress']
                when 'weather.observed' then array['temperature', 'precipitation', 'daylight_minutes', 'cloud_cover']
                when 'heart_rate.measured' then array['resting_heart_rate']
                when 'hrv.measured' then array['hrv']
                when 'weight.measured' then array['weight']
                when 'medication.taken' then array['medication_doses']
                when 'screen_time.recorded' then array['screen_minutes']
                when 'meditation.practised' then array['meditation_minutes']
                when 'calendar.scheduled' then array['appointments', 'appointment_minutes']
            end,
            case events.type
                when 'sleep.recorded' then array[round((payload ->> 'asleep_minutes')::numeric * 1000)::bigint, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'asleep_minutes')::numeric * 1000)::bigint end, case when coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'asleep_minutes')::numeric * 1000)::bigint end, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'deep_minutes')::numeric * 1000)::bigint end, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'rem_minutes')::numeric * 1000)::bigint end, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'awake_minutes')::numeric * 1000)::bigint end, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'efficiency_percent')::numeric * 1000)::bigint end, case when not coalesce((payload ->> 'is_nap')::boolean, false) then round((payload ->> 'quality')::numeric * 1000)::bigint end]
                when 'exercise.recorded' then array[round(coalesce((payload ->> 'duration_minutes')::numeric, extract(epoch from ended_at - started_at) / 60) * 1000)::bigint, round((payload ->> 'load')::numeric * 1000)::bigint, round((payload ->> 'moderate_minutes')::numeric * 1000)::bigint, round((payload ->> 'vigorous_minutes')::numeric * 1000)::bigint, round(case when num_nonnulls((payload ->> 'moderate_minutes')::numeric, (payload ->> 'vigorous_minutes')::numeric) > 0 then 1 * coalesce((payload ->> 'moderate_minutes')::numeric, 0) + 2 * coalesce((payload ->> 'vigorous_minutes')::numeric, 0) else coalesce((payload ->> 'duration_minutes')::numeric, extract(epoch from ended_at - started_at) / 60) end * 1000)::bigint]
                when 'steps.counted' then array[round((payload ->> 'steps')::numeric * 1)::bigint]
                when 'work.recorded' then array[round((payload ->> 'duration_minutes')::numeric * 1000)::bigint]
                when 'meal.eaten' then array[round(1 * 1)::bigint, round((payload ->> 'energy_kcal')::numeric * 1000)::bigint]
                when 'hydration.drunk' then array[round((payload ->> 'volume_ml')::numeric * 1000)::bigint]
                when 'caffeine.consumed' then array[round((payload ->> 'caffeine_mg')::numeric * 1000)::bigint, case when precision = 'instant' and extract(hour from local_started_at) >= 0 and extract(hour from local_started_at) < 6 then round((payload ->> 'caffeine_mg')::numeric * 1000)::bigint end, case when precision = 'instant' and extract(hour from local_started_at) >= 6 and extract(hour from local_started_at) < 12 then round((payload ->> 'caffeine_mg')::numeric * 1000)::bigint end, case when precision = 'instant' and extract(hour from local_started_at) >= 12 and extract(hour from local_started_at) < 18 then round((payload ->> 'caffeine_mg')::numeric * 1000)::bigint end, case when precision = 'instant' and extract(hour from local_started_at) >= 18 and extract(hour from local_started_at) < 24 then round((payload ->> 'caffeine_mg')::numeric * 1000)::bigint end]
                when 'alcohol.consumed' then array[round((payload ->> 'alcohol_g')::numeric * 1000)::bigint]
                when 'social.met' then array[round(1 * 1)::bigint, round(coalesce((payload ->> 'duration_minutes')::numeric, extract(epoch from ended_at - started_at) / 60) * 1000)::bigint]
                when 'mood.rated' then array[round((payload ->> 'valence')::numeric * 1000)::bigint]
                when 'energy.rated' then array[round((payload ->> 'energy')::numeric * 1000)::bigint]
                when 'stress.rated' then array[round((payload ->> 'stress')::numeric * 1000)::bigint]
                when 'weather.observed' then array[round((payload ->> 'temperature_c')::numeric * 1000)::bigint, round((payload ->> 'precipitation_mm')::numeric * 1000)::bigint, round((payload ->> 'daylight_minutes')::numeric * 1000)::bigint, round((payload ->> 'cloud_cover_percent')::numeric * 1000)::bigint]
                when 'heart_rate.measured' then array[case when coalesce((payload ->> 'is_resting')::boolean, false) then round((payload ->> 'bpm')::numeric * 1000)::bigint end]
                when 'hrv.measured' then array[round((payload ->> 'rmssd_ms')::numeric * 1000)::bigint]
                when 'weight.measured' then array[round((payload ->> 'weight_kg')::numeric * 1000)::bigint]
                when 'medication.taken' then array[round(1 * 1)::bigint]
                when 'screen_time.recorded' then array[round((payload ->> 'duration_minutes')::numeric * 1000)::bigint]
                when 'meditation.practised' then array[round((payload ->> 'duration_minutes')::numeric * 1000)::bigint]
                when 'calendar.scheduled' then array[round(1 * 1)::bigint, round(coalesce((payload ->> 'duration_minutes')::numeric, extract(epoch from ended_at - started_at) / 60) * 1000)::bigint]
            end
        ) as measured (measure, value)
    -- A version that was hidden before it became known was never alive.
    where measured.value is not null and events.counts_from < events.counts_until

)

select * from measurements
