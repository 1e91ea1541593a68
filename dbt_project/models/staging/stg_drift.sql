with

drift as (

    select
        cohort,
        model_name,
        model_version,
        measured_date,
        column_name,
        state,
        rows,
        people,
        left_out_rows,
        effective_rows,
        missing_share,
        reference_missing_share,
        psi,
        psi_by_chance,
        ks,
        p_value,
        q_value,
        window_days,
        method_version,
        measured_at

    from {{ source('predictions', 'drift') }}

)

select * from drift
