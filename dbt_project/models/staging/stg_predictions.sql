with

users as (

    select * from {{ source('app', 'users') }}

),

trainings as (

    select
        model_name as registered_name,
        model_version,
        to_timestamp((metadata -> 'trained' ->> 'until')::float8) as trained_until

    from {{ source('predictions', 'model_artifacts') }}

),

predictions as (

    select
        predictions.prediction_id,
        predictions.user_id,
        predictions.model_name,
        predictions.model_version,
        predictions.model_source,
        predictions.as_of,
        predictions.local_date,
        predictions.value,
        predictions.class,
        predictions.probabilities,
        predictions.lower,
        predictions.upper,
        predictions.baseline,
        predictions.baseline_name,
        predictions.features,
        predictions.reasons,
        predictions.origin,
        predictions.created_at,
        predictions.made_at,
        trainings.trained_until

    from {{ source('predictions', 'predictions') }} as predictions
    inner join users on predictions.user_id = users.user_id
    left join trainings
        on
            -- The models of real people have no cohort in their name.
            predictions.model_name || case when users.cohort = 'real' then '' else '.' || users.cohort end
            = trainings.registered_name
            and predictions.model_version = trainings.model_version

)

select * from predictions
