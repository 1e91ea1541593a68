with

drift as (

    select * from {{ ref('stg_drift') }}

),

dated as (

    select
        cohort,
        model_name,
        model_version,
        measured_date,
        measured_date = max(measured_date) over (partition by cohort, model_name) as is_newest,
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

    from drift

)

select * from dated
