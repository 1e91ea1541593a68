{# A post-hook: statistics for the planner, of a table that has none yet or has grown by a twentieth since it got them.
   A day of one in a thousand changes nothing that they say, and to sample a large table costs as much as to fill the day. #}
{% macro analyze_if_grown() -%}
do $$
begin
    if not exists (select from pg_stats where schemaname = '{{ this.schema }}' and tablename = '{{ this.identifier }}')
        or pg_relation_size('{{ this }}') > 1.05 * current_setting('block_size')::integer * (
            select relpages from pg_class where oid = '{{ this }}'::regclass
        )
    then
        analyze {{ this }};
    end if;
end $$
{%- endmacro %}
