{# The moments of a build with what they know of the days before, as far as `domain` reads it. All who ask after it changed
   last know the same: `known_by` is then the same for all, and these days need to be summed up but once, from the newest
   tiles: the day is settled. Who asks earlier (something of a day before came late) has a `known_by` of their own.
   `known_number` is one number for day and `known_by`.

   A settled day `is_framed` where at least eight days of its person are asked: a frame passes over four weeks for one
   that is. Whether it is looked up or framed, it says the same to the last bit. #}
{% macro known_moments(domain) -%}
select
        *,
        least(as_of, {{ domain }}_settled_at) as known_by,
        asked_days >= 8 and as_of >= {{ domain }}_settled_at as is_framed,
        case when as_of >= {{ domain }}_settled_at then -day_number else moment_number end as known_number

    from moments
{%- endmacro %}
