{# What a tile says of the measures that lie in its own, so many `parts` at most: their counts and their sums, in their order,
   null where a day has nothing of one; no arrays for a measure in which none lies. `of` stands before the columns of
   measurements, `over` after what sums them up. #}
{% macro tiles_of_parts(parts, of='', over='') -%}
{%- if parts -%}
case when count({{ of }}part_values){{ over }} > 0 then array[
            {%- for part in range(1, parts + 1) %}
            nullif(count({{ of }}part_values[{{ part }}]){{ over }}, 0)::integer{{ ',' if not loop.last }}
            {%- endfor %}
        ] end as part_ns,
        case when count({{ of }}part_values){{ over }} > 0 then array[
            {%- for part in range(1, parts + 1) %}
            (sum({{ of }}part_values[{{ part }}]){{ over }})::bigint{{ ',' if not loop.last }}
            {%- endfor %}
        ] end as part_totals
{%- else -%}
null::integer[] as part_ns,
        null::bigint[] as part_totals
{%- endif %}
{%- endmacro %}
