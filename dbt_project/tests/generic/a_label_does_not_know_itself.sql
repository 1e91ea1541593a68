{# At a label's moment neither its own rating nor any answer of the same form can be seen. Judges the days of this
   build. #}
{% test a_label_does_not_know_itself(model) %}

    select labels.label_event_id
    from {{ model }} as labels
    inner join {{ ref('int_changed_days') }} as days using (user_id, local_date)
    inner join {{ ref('stg_events') }} as events
        on
            labels.user_id = events.user_id
            and labels.local_date = events.local_date
            and (labels.label_event_id = events.event_id or labels.form_id = events.form_id)
    where events.alive_from <= labels.as_of

{% endtest %}
