with

calendar as (

    select
        day::date as local_date,
        date_trunc('week', day)::date as week_date,
        date_trunc('month', day)::date as month_date,
        extract(isodow from day)::integer as iso_weekday,
        extract(isodow from day) >= 6 as is_weekend

    from generate_series(timestamp '2000-01-01', timestamp '2049-12-31', interval '1 day') as days (day)

)

select * from calendar
