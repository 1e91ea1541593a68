-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{# Of a large log many millions of measurements are sorted: by more than one worker, as handing rows over costs little
   beside that, and in pieces of `work_mem` that are merged once. No index keeps the key: of the two below each key has
   many rows, which Postgres lists after it once, so that they take a seventh of the pages. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', block_of('local_date'), 'measure']},
        {'columns': ['user_id', 'local_date']},
    ],
    pre_hook="set local work_mem = '128MB'; set local parallel_tuple_cost = 0.01",
    post_hook='{{ analyze_if_grown() }}',
) }}

{{ tiles_of("type in ('mood.rated', 'energy.rated', 'stress.rated')", parts=['mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive', 'energy_night', 'energy_morning', 'energy_afternoon', 'energy_evening']) }}
