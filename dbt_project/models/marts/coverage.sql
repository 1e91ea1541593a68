with

users as (

    select
        users.user_id,
        users.cohort,
        ends.last_date as cohort_last_date

    from {{ ref('users') }} as users
    inner join {{ ref('int_cohort_ends') }} as ends on users.cohort = ends.cohort

),

source_days as (

    select
        users.cohort,
        users.cohort_last_date,
        source_days.user_id,
        source_days.source_name,
        source_days.local_date,
        source_days.measures

    from users
    inner join {{ ref('int_source_days') }} as source_days on users.user_id = source_days.user_id
    where source_days.local_date <= users.cohort_last_date

),

sources as (

    select
        user_id,
        cohort,
        cohort_last_date,
        source_name,
        min(local_date) as source_first_date,
        max(local_date) as source_last_date

    from source_days
    group by user_id, cohort, cohort_last_date, source_name

),

-- What may be expected of a source: whatever it has told of anybody in the cohort.
known_measures as (

    select distinct
        days.cohort,
        days.source_name,
        measure.name as measure

    from (select distinct cohort, source_name, measures from source_days) as days
    cross join lateral jsonb_array_elements_text(days.measures) as measure (name)

),

told as (

    select
        source_days.user_id,
        source_days.source_name,
        source_days.local_date,
        source_days.cohort_last_date,
        measure.name as measure

    from source_days
    cross join lateral jsonb_array_elements_text(source_days.measures) as measure (name)

),

gaps as (

    select
        *,
        local_date - lag(local_date) over earlier - 1 as gap_days,
        lag(local_date) over earlier + 1 as gap_first_date

    from told
    window earlier as (partition by user_id, source_name, measure order by local_date)

),

spans as (

    select
        user_id,
        source_name,
        measure,
        count(*) as days,
        min(local_date) as first_date,
        max(local_date) as last_date,
        max(local_date) - min(local_date) + 1 - count(*) as missing_days,
        coalesce(max(gap_days), 0) as longest_gap_days,
        -- Of gaps of one length the newest.
        (max(array[gap_days, gap_first_date - date '1900-01-01']) filter (where gap_days > 0))[2]
        + date '1900-01-01' as longest_gap_first_date,
        count(*) filter (where local_date > cohort_last_date - 28) as days_last_28d

    from gaps
    group by user_id, source_name, measure

),

judged as (

    select
        sources.user_id,
        sources.source_name,
        split_part(known_measures.measure, ' ', 1) as type,
        split_part(known_measures.measure, ' ', 2) as measure,
        spans.first_date,
        spans.last_date,
        coalesce(spans.days, 0) as days,
        coalesce(spans.missing_days, 0) as missing_days,
        coalesce(spans.longest_gap_days, 0) as longest_gap_days,
        spans.longest_gap_first_date,
        -- Who came later than 28 days ago is judged from their first day on.
        coalesce(spans.days_last_28d, 0)::float8
        / least(28, sources.cohort_last_date - sources.source_first_date + 1) as share_last_28d,
        sources.cohort_last_date - spans.last_date as days_since_last,
        sources.source_first_date,
        sources.source_last_date,
        sources.cohort_last_date

    from sources
    inner join known_measures
        on sources.cohort = known_measures.cohort and sources.source_name = known_measures.source_name
    left join spans
        on
            sources.user_id = spans.user_id
            and sources.source_name = spans.source_name
            and known_measures.measure = spans.measure

),

coverage as (

    select
        *,
        {{ coverage_state() }} as coverage_state,
        {{ what_is_missing() }} as what_is_missing

    from judged

)

select * from coverage
