{# What follows `from` in a test of `model`, under the name `judged`. A full build judges all rows; any other as few as it
   takes, so that its cost does not grow with history:

   - with `days` (a model of days) the rows that it has written, looked up day by day: without the fence Postgres likes to
     join all of a view's tables first. `near` names an instant that lies on that day or beside it, where an index knows
     instants and no days; `of_log` is that of rows_looked_up;
   - with `people_of` (a model of days) all rows of ten of these days' people, of others in each build: for what sums up
     or ranks a whole history, by SQL that is the same for everybody. #}
{% macro rows_to_judge(model, days=none, near=none, people_of=none, of_log=false) -%}
    {%- if days and not flags.FULL_REFRESH -%}
    {%- set nearby -%}
        told.{{ near }} >= days.local_date - 1 and told.{{ near }} < days.local_date + 3
    {%- endset -%}
    (
        select written.*
        from {{ rows_looked_up(model, 'written', days, nearby if near else none, of_log=of_log) }}
    ) as judged
    {%- elif people_of and not flags.FULL_REFRESH -%}
    (
        select written.*
        from (
            select distinct user_id, md5(user_id::text || '{{ run_started_at }}') as place
            from {{ people_of }}
            order by place
            limit 10
        ) as people
        cross join lateral (
            select * from {{ model }} as told
            where told.user_id = people.user_id
            offset 0
        ) as written
    ) as judged
    {%- else -%}
    {{ model }} as judged
    {%- endif -%}
{%- endmacro %}
