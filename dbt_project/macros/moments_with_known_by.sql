{# The rows of `moments`, each with `known_by`: the instant by which all that it knows of the days before was known.

   Of `measures` (of which others may be parts: with these they change) and the `first_day` days before a moment's own
   day, `settled_at` is when a tile changed last. Whoever asks after that finds the same as everybody else who does:
   `known_by` is then the same for all, and these days need to be summed up but once, from the newest tiles: the day is
   settled. Who asks earlier (something of a day before came late) has a `known_by` of their own.

   A settled day `is_framed` if many days of its person are asked: a frame passes over four weeks for one that is.
   Whether it is looked up or framed, it says the same to the last bit.

   `day_number` is one number for day and `known_by`: a join by three columns of which Postgres knows nothing is taken
   for a join to a single row, and what follows is then compared row by row with all others. #}
{% macro moments_with_known_by(measures, first_day) -%}
select
        moments.*,
        moments.as_of >= settled.settled_at and settled.asked_days > 7 as is_framed,
        least(moments.as_of, settled.settled_at) as known_by,
        dense_rank() over (
            order by moments.user_id, moments.local_date, least(moments.as_of, settled.settled_at)
        ) as day_number

    from moments
    inner join (
        select
            user_id,
            local_date,
            coalesce(
                max(changed_at) over (
                    partition by user_id order by local_date
                    range between interval '{{ first_day }} days' preceding and interval '1 day' preceding
                ),
                '-infinity'
            ) as settled_at,
            sum(is_asked) over (partition by user_id) as asked_days

        from (
            select user_id, local_date, max(changed_at) as changed_at, max(is_asked) as is_asked
            from (
                select user_id, local_date, null::timestamptz as changed_at, 1 as is_asked from moments
                union all
                select
                    tiles.user_id,
                    tiles.local_date,
                    case when tiles.valid_until < 'infinity' then tiles.valid_until else tiles.valid_from end
                        as changed_at,
                    0 as is_asked
                from {{ ref('int_tiles') }} as tiles
                {{ only_tiles_around('moments', first_day) }}
                where tiles.measure in ('{{ measures | join("', '") }}')
            ) as changes
            group by user_id, local_date
        ) as changed_days
    ) as settled on moments.user_id = settled.user_id and moments.local_date = settled.local_date
{%- endmacro %}
