-- Where two sources tell of one night, by how much do they differ?
-- The outranked report beside the one that counts. No row: nobody was told of twice.
select
    told.source_name as outranked_source,
    counted.source_name as counted_source,
    count(*) as nights,
    round(avg(told.asleep_minutes - counted.asleep_minutes)::numeric, 1) as minutes_more

from analysts.nights_by_source as told
inner join analysts.nights_by_source as counted
    on told.person_key = counted.person_key and told.outranked_by = counted.event_key
group by told.source_name, counted.source_name
order by nights desc, outranked_source, counted_source
