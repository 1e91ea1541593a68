with

outranked as (

    select distinct
        user_id,
        event_id,
        local_date,
        outranked_by

    from {{ ref('int_reconciled_spans') }}
    where outranked_by is not null

)

select * from outranked
