"""Monthly partitions of the event log: created ahead, and by an import for the months that it needs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

MONTHS_AHEAD = 3


def month_of(moment: date | datetime) -> date:
    return date(moment.year, moment.month, 1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_ahead(today: date, count: int = MONTHS_AHEAD) -> list[date]:
    """This month and the `count` after it."""
    months = [month_of(today)]
    for _ in range(count):
        months.append(next_month(months[-1]))
    return months


class KnownMonths:
    """Months that a process has seen to have their partition, so that it need not ask again for each event.

    Only of the last year: older ones are archived and their partitions dropped at some time.
    """

    def __init__(self) -> None:
        self._known: set[date] = set()

    def unknown(self, moments: Iterable[datetime]) -> list[date]:
        """The months of these moments that have to be asked for, in their order."""
        return sorted({month_of(moment) for moment in moments} - self._known)

    def note(self, month: date, *, today: date) -> None:
        """Remember a month whose partition was there before this transaction, which may yet be rolled back."""
        if month >= date(today.year - 1, today.month, 1):
            self._known.add(month)


def ensure_partitions(connection: psycopg.Connection[Any], months: Iterable[date]) -> list[date]:
    """Create the partitions of these months that do not exist; returns those made.

    Through a function of the owner, so that a process may have a month made without owning the log.
    """
    made = []
    for month in sorted({month_of(month) for month in months}):
        row = connection.execute("select raw.ensure_event_partition(%s)", (month,)).fetchone()
        if row and row[0]:
            made.append(month)
    return made


CREATE_FUNCTION = sql.SQL(
    """
    create or replace function raw.ensure_event_partition(month date) returns boolean
    language plpgsql security definer set search_path = pg_catalog as $$
    declare
        first_day constant date := date_trunc('month', month)::date;
        name constant text := format('events_%s', to_char(first_day, 'YYYY_MM'));
    begin
        if to_regclass('raw.' || name) is not null then
            return false;
        end if;
        -- One lock for all months: with one each, two transactions that make the same two could wait for
        -- each other.
        perform pg_advisory_xact_lock(hashtext('raw.ensure_event_partition'));
        -- Made and then attached, since "create … partition of" would stop all reading and writing of events
        -- until this transaction ends.
        execute format('create table raw.%I (like raw.events including all)', name);
        execute format(
            'alter table raw.events attach partition raw.%I for values from (%L) to (%L)',
            name,
            first_day::timestamp at time zone 'UTC',
            (first_day + interval '1 month')::timestamp at time zone 'UTC'
        );
        return true;
    exception
        -- Another transaction made it while this one waited. to_regclass() would not tell: it remembers.
        when duplicate_table then
            return false;
    end
    $$
    """
)
