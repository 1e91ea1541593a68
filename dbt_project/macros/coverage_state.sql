{# How well a source covers a measure of a person, for `marts.coverage`: one word, the first that is true. #}
{% macro coverage_state() -%}
case
            when days = 0 then 'never'
            when days_since_last > 7 and cohort_last_date - source_last_date > 7 then 'left'
            when days_since_last > 7 then 'stopped'
            when longest_gap_days > 7 or share_last_28d < 0.9 then 'gaps'
            else 'complete'
        end
{%- endmacro %}
