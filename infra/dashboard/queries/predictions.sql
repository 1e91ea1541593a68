-- What was predicted, with its 90 % interval, beside what people then said: means of a day; days with fewer than three
-- judged predictions are left out.
-- On one scale of 0 to 10, so that both can be drawn: mood's -1 to 1 is stretched to it.
with

judged as (

    select
        users.cohort,
        accuracy.model_name,
        accuracy.local_date,
        accuracy.value,
        accuracy.rated_value,
        (timeline.detail ->> 'lower')::float8 as lower,
        (timeline.detail ->> 'upper')::float8 as upper

    from analysts.prediction_accuracy as accuracy
    inner join analysts.users as users on accuracy.person_key = users.person_key
    inner join analysts.timeline as timeline
        on
            accuracy.person_key = timeline.person_key
            and accuracy.prediction_key = timeline.record_key
            and timeline.noun = 'prediction'

),

scales (model_name, zero, unit) as (

    values ('energy', 0, 1), ('mood', 5, 5)

),

days as (

    select
        judged.cohort,
        judged.model_name,
        judged.local_date,
        avg(scales.zero + scales.unit * judged.value) as predicted,
        avg(scales.zero + scales.unit * judged.rated_value) as rated,
        avg(scales.unit * (judged.upper - judged.value)) as above,
        avg(scales.unit * (judged.value - judged.lower)) as below,
        count(*) as judged

    from judged
    inner join scales on judged.model_name = scales.model_name
    group by judged.cohort, judged.model_name, judged.local_date
    having count(*) >= 3

)

select
    cohort,
    model_name,
    local_date,
    'predicted' as series,
    predicted as value,
    above,
    below,
    judged

from days

union all

select
    cohort,
    model_name,
    local_date,
    'rated' as series,
    rated as value,
    null as above,
    null as below,
    judged

from days
order by cohort, model_name, series, local_date
