with

predictions as (

    select
        prediction_id,
        user_id,
        model_name,
        model_version,
        model_source,
        as_of,
        local_date,
        value,
        class,
        probabilities,
        lower,
        upper,
        baseline,
        baseline_name,
        features,
        reasons,
        origin,
        created_at

    from {{ source('predictions', 'predictions') }}

)

select * from predictions
