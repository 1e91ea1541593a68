"""The texts of the statements on the way into the log, to be filled in by `aurora.events.storing_statements`."""

from __future__ import annotations

from typing import Final

STORE: Final = """
with

incoming as (

    select * from {incoming}

),

-- The first of several equal (id, version) in one batch is the one that counts.
first_of_version as (

    select distinct on (user_id, event_id, version) *
    from incoming
    order by user_id, event_id, version, ordinal

),

new_keys as (

    insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)
    select user_id, event_id, version, body_hash, started_at, local_date
    from first_of_version
    on conflict do nothing
    returning user_id, event_id, version

),

new_events as (

    select first_of_version.*
    from first_of_version
    inner join new_keys using (user_id, event_id, version)

),

logged as (

    insert into raw.events ({columns})
    select {columns} from new_events

),

-- A correction may move an event to another day: the day it leaves has changed as well.
changed_days as (

    select user_id, local_date from new_events
    union
    select event_keys.user_id, event_keys.local_date
    from raw.event_keys as event_keys
    inner join new_events using (user_id, event_id)

),

touched as (

    insert into raw.touched_days (user_id, local_date)
    select user_id, local_date from changed_days
    on conflict do nothing

),

days as (

    insert into raw.user_days (user_id, local_date, day_started_at, day_ended_at, tz)
    select distinct on (user_id, local_date) user_id, local_date, day_started_at, day_ended_at, tz
    from new_events
    order by user_id, local_date, ordinal
    on conflict do nothing

),

announced as (

    insert into raw.outbox (topic, user_id, body, due_at)
    {announcement}
    {announcement_ahead}

),

highest as (

    select user_id, event_id, max(version) as version
    from (
        select user_id, event_id, version from incoming
        union all
        select event_keys.user_id, event_keys.event_id, event_keys.version
        from raw.event_keys as event_keys
        inner join incoming using (user_id, event_id)
    ) as versions
    group by user_id, event_id

)

select
    incoming.ordinal,
    case
        when new_events.ordinal = incoming.ordinal and incoming.version < highest.version then 'superseded'
        when new_events.ordinal = incoming.ordinal then 'accepted'
        when coalesce(event_keys.body_hash, new_events.body_hash) = incoming.body_hash then 'duplicate'
        when coalesce(event_keys.body_hash, new_events.body_hash) is not null then 'conflict'
    end as outcome
from incoming
left join new_events using (user_id, event_id, version)
left join raw.event_keys as event_keys using (user_id, event_id, version)
inner join highest on incoming.user_id = highest.user_id and incoming.event_id = highest.event_id
-- The relay is woken with the commit.
cross join pg_notify('aurora_outbox', '')
"""

# What lies ahead (an appointment, a device's fast clock, an arrival lag) counts from then on.
ANNOUNCE_AHEAD: Final = """
    union all
    select distinct on (user_id, local_date, available_at)
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', available_at),
        available_at
    from {stored}
    where available_at > received_at
"""

# One message an event, so that its effect can be told by id.
ANNOUNCE_EVENTS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object(
            'user_id', user_id, 'event_id', event_id, 'version', version, 'type', type,
            'local_date', local_date, 'received_at', received_at
        ),
        now()
    from {stored}
"""

# An import touches thousands of events a day: one message a person and day, and only of days that live
# state still reaches.
ANNOUNCE_DAYS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', now()),
        now()
    from changed_days
    where local_date >= {live_since}
"""

# The same when each event is another one and the log has none of them yet, as in most batches: nothing has to be
# compared with anything. The answer is how many keys were new.
STORE_NEW: Final = """
with

incoming as not materialized (

    select * from {incoming}

),

new_keys as (

    insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)
    select user_id, event_id, version, body_hash, started_at, local_date
    from incoming
    order by user_id, event_id
    on conflict do nothing
    returning version

),

logged as (

    insert into raw.events ({columns})
    select {columns} from incoming

),

touched as (

    insert into raw.touched_days (user_id, local_date)
    select distinct user_id, local_date from incoming
    on conflict do nothing

),

days as (

    insert into raw.user_days (user_id, local_date, day_started_at, day_ended_at, tz)
    select distinct on (user_id, local_date) user_id, local_date, day_started_at, day_ended_at, tz
    from incoming
    order by user_id, local_date, ordinal
    on conflict do nothing

),

announced as (

    insert into raw.outbox (topic, user_id, body, due_at)
    {announcement}
    {announcement_ahead}

)

select count(*) as new_keys
from new_keys
cross join pg_notify('aurora_outbox', '')
"""

# After the keys are written, so that no other version that was committed meanwhile is missed.
OTHER_VERSIONS: Final = """
select exists (
    select from {incoming}
    inner join raw.event_keys as event_keys using (user_id, event_id)
    where event_keys.version <> incoming.version
)
"""

UNSEEN: Final = """
select incoming.ordinal, event_keys.body_hash = incoming.body_hash
from {incoming}
inner join raw.event_keys as event_keys using (user_id, event_id, version)
where incoming.ordinal = any({ordinals}::bigint[])
"""
