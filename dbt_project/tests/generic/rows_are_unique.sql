{# No two rows have the same values in `columns`, and none has a null there. A full build judges all rows; any other
   as few as it takes, so that its cost does not grow with history:

   - with `days` (the name of a model of days) the rows that it has written, day by day: without the fence Postgres
     likes to join all of a view's tables first. `near` names an instant that lies on that day or beside it, where an
     index knows instants and no days;
   - with `people_of` (the name of a model of days) all rows of ten of these days' people, of others in each build:
     for what sums up or ranks a whole history, by SQL that is the same for everybody;
   - tagged `all_history`, none, unless it makes the views anew: for what cannot be asked of a few people. #}
{% test rows_are_unique(model, columns, days=none, near=none, people_of=none) %}

    {%- set key = [] -%}
    {%- for column in columns %}{% do key.append("judged." ~ column) %}{% endfor %}

    select {{ key | join(", ") }}
    {%- if days and not flags.FULL_REFRESH %}
    from {{ days }} as days
    cross join lateral (
        select * from {{ model }} as written
        where
            written.user_id = days.user_id
            and written.local_date = days.local_date
            {%- if near %}
            and written.{{ near }} >= days.local_date - 1
            and written.{{ near }} < days.local_date + 3
            {%- endif %}
        offset 0
    ) as judged
    {%- elif people_of and not flags.FULL_REFRESH %}
    from (
        select distinct user_id, md5(user_id::text || '{{ run_started_at }}') as place
        from {{ people_of }}
        order by place
        limit 10
    ) as people
    cross join lateral (
        select * from {{ model }} as written
        where written.user_id = people.user_id
        offset 0
    ) as judged
    {%- else %}
    from {{ model }} as judged
    {%- endif %}
    group by {{ key | join(", ") }}
    having count(*) > 1 or num_nulls({{ key | join(", ") }}) > 0

{% endtest %}
