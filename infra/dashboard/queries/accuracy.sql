-- How far a model is off, beside its baseline on the same ratings: those within an hour, and those within a day, of which
-- the hours between have their share.
with

errors as (

    select
        users.cohort,
        accuracy.model_name,
        accuracy.horizon_hours,
        avg(accuracy.absolute_error) as model,
        avg(accuracy.baseline_absolute_error) as baseline,
        count(*) as judged

    from analysts.prediction_accuracy as accuracy
    inner join analysts.users as users on accuracy.person_key = users.person_key
    where accuracy.model_source = 'model' or accuracy.model_source = 'baseline'
    group by users.cohort, accuracy.model_name, accuracy.horizon_hours

)

select
    errors.cohort,
    errors.model_name,
    answers.answer || ', within ' || errors.horizon_hours || ' h' as answer,
    round(answers.error::numeric, 3)::float8 as error,
    errors.judged

from errors
cross join lateral (values ('model', errors.model), ('baseline', errors.baseline)) as answers (answer, error)
order by errors.cohort, errors.model_name, errors.horizon_hours, answers.answer desc
