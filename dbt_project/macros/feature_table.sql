{# How the table of a domain's features is kept: a change of one day rewrites that day and the 28 after it. #}
{% macro feature_table() -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='replace_days',
        meta={'days': 'int_rebuilt_days'},
        indexes=[
            {'columns': ['user_id', 'as_of', 'precision', 'local_date'], 'unique': true},
            {'columns': ['user_id', 'local_date']},
        ],
        post_hook='{{ analyze_if_grown() }}',
    ) }}
{%- endmacro %}
