"""Months that leave the log for a file: what proves that nothing was left behind. Migration 0003 makes these.

A process may have a month dropped, as it may have one made, without owning the log. The function that drops it
trusts nobody: it compares what is in the log at that moment with what the manifest says is in the file.
"""

from __future__ import annotations

from typing import Final, LiteralString

# The settings decide how a row reads as text; so does the order of the columns, which the manifest keeps.
CREATE_DIGEST: Final[LiteralString] = """
    create or replace function raw.digest_of_month(
        relation regclass, month date, column_names text[], out row_count bigint, out row_digest text
    )
    language plpgsql stable
    set timezone = 'UTC' set datestyle = 'ISO' set bytea_output = 'hex' set extra_float_digits = 1 as $$
    declare
        first_day constant date := date_trunc('month', month)::date;
        columns constant text := (
            select string_agg(quote_ident(name), ', ' order by position)
            from unnest(column_names) with ordinality as named (name, position)
        );
    begin
        -- A sum, so that the order of rows does not matter.
        execute format(
            'select count(*), coalesce(sum((''x'' || left(md5(row(%s)::text), 15))::bit(60)::bigint), 0)::text'
            ' from %s where started_at >= %L and started_at < %L',
            columns,
            relation,
            first_day::timestamp at time zone 'UTC',
            (first_day + interval '1 month')::timestamp at time zone 'UTC'
        ) into row_count, row_digest;
    end
    $$
"""

CREATE_DROP_MONTH: Final[LiteralString] = """
    create or replace function raw.drop_archived_month(archived_month date, archived_file text) returns boolean
    language plpgsql security definer
    set search_path = pg_catalog set lock_timeout = '1s' as $$
    declare
        first_day constant date := date_trunc('month', archived_month)::date;
        partition constant text := format('events_%s', to_char(first_day, 'YYYY_MM'));
        manifest raw.event_archives;
        found record;
        lacking text;
    begin
        select * into manifest from raw.event_archives
        where month = first_day and file_name = archived_file
        for update;
        if manifest is null or manifest.state = 'replaced' then
            raise exception 'there is no file % of the month %', archived_file, first_day
                using errcode = 'object_not_in_prerequisite_state';
        end if;
        if manifest.state = 'archived' then
            return false;
        end if;
        select string_agg(attname, ', ') into lacking
        from pg_attribute
        where
            attrelid = 'raw.events'::regclass and attnum > 0 and not attisdropped
            and attname <> all (manifest.column_names);
        if lacking is not null then
            raise exception 'the file % lacks the columns %', archived_file, lacking
                using errcode = 'object_not_in_prerequisite_state';
        end if;
        select * into found
        from raw.digest_of_month('raw.events', first_day, manifest.column_names);
        if (found.row_count, found.row_digest) is distinct from (manifest.row_count, manifest.row_digest) then
            raise exception 'the month % has changed since % was written', first_day, archived_file
                using errcode = 'object_not_in_prerequisite_state';
        end if;
        -- The log first and then its partition, in the order of every writer. Rows are never changed, so that
        -- what could come meanwhile is more of them.
        lock table only raw.events in access exclusive mode;
        execute format('lock table raw.%I in access exclusive mode', partition);
        execute format('select count(*) as row_count from raw.%I', partition) into found;
        if found.row_count <> manifest.row_count then
            raise exception 'the month % has changed since % was written', first_day, archived_file
                using errcode = 'object_not_in_prerequisite_state';
        end if;
        execute format('alter table raw.events detach partition raw.%I', partition);
        execute format('drop table raw.%I', partition);
        update raw.event_archives
        set state = 'replaced'
        where month = first_day and file_name <> archived_file and state <> 'replaced';
        update raw.event_archives
        set state = 'archived', archived_at = now(), restored_at = null, keep_until = null
        where month = first_day and file_name = archived_file;
        return true;
    end
    $$
"""
