-- Are the models better than their baselines, and are their intervals honest?
-- Nine ratings in ten should lie in a 90 % interval, where the rating is of the hour that was predicted: within one.
-- What was rated later, at most a day, is off by what the hours between changed as well. No rating counts that the
-- prediction or the training of its version knew. Look at `judged` first: a handful shows the shape of the answer, not how good a model is (docs/models.md).
select
    users.cohort,
    accuracy.model_name,
    coalesce(accuracy.model_version, accuracy.model_source) as version,
    accuracy.horizon_hours,
    count(*) as judged,
    round(avg(accuracy.hours_until_rated)::numeric, 1) as hours_until_rated,
    round(avg(accuracy.absolute_error)::numeric, 3) as error,
    round(avg(accuracy.baseline_absolute_error)::numeric, 3) as baseline_error,
    round(100 * avg(accuracy.is_in_interval::integer), 1) as percent_in_interval

from analysts.prediction_accuracy as accuracy
inner join analysts.users as users on accuracy.person_key = users.person_key
group by users.cohort, accuracy.model_name, version, accuracy.horizon_hours
order by users.cohort, accuracy.model_name, version, accuracy.horizon_hours
