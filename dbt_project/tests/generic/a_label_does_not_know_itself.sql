{# At a label's moment neither its own rating nor any answer of the same form can be seen. Judges the days of this
   build, looked up one by one. #}
{% test a_label_does_not_know_itself(model) %}

    select labels.label_event_id
    from {{ ref('int_changed_days') }} as days
    cross join lateral (
        select * from {{ model }} as written
        where written.user_id = days.user_id and written.local_date = days.local_date
        offset 0
    ) as labels
    cross join lateral (
        select * from {{ ref('stg_events') }} as told
        where told.user_id = days.user_id and told.local_date = days.local_date
        offset 0
    ) as events
    where
        (labels.label_event_id = events.event_id or labels.form_id = events.form_id)
        and events.alive_from <= labels.as_of

{% endtest %}
