{# The sentence of `marts.coverage`: which days a person's source has not told, in words; null when none is missing. #}
{% macro what_is_missing() -%}
nullif(
            concat_ws(
                '; ',
                case when days = 0 then 'never told, though this source tells it of others' end,
                case
                    when first_date > source_first_date
                        then 'begins on ' || first_date || ', the source on ' || source_first_date
                end,
                case
                    when missing_days > 0
                        then
                            missing_days || ' of ' || (last_date - first_date + 1)
                            || ' days missing in between, most in a row ' || longest_gap_days
                            || ' from ' || longest_gap_first_date
                end,
                case
                    when days_since_last > 0 and last_date < source_last_date
                        then 'nothing after ' || last_date || ', though the source went on'
                    when days_since_last > 0
                        then 'nothing after ' || last_date || ', like all else from this source'
                end
            ),
            ''
        )
{%- endmacro %}
