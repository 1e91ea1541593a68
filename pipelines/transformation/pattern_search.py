"""The weekly search: every person's days from the warehouse, through `aurora.patterns`, into `insights`.

People are read in small groups and stored one at a time, each in a transaction of their own: a search that was
killed leaves whole people behind, and the next one replaces them. Nobody's week is ever half there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from aurora.errors import AuroraError
from aurora.events.catalogue import MEASURES
from aurora.kept_answers import CHANNEL, PATTERNS, tag_of
from aurora.patterns.findings import Pattern, Search
from aurora.patterns.search import search, window_of
from aurora.patterns.sentences import sentence_of
from aurora.patterns.series import DayValue, PersonDays, person_days
from aurora.patterns.specification import FACTORS, METHOD_VERSION, RATED
from aurora.patterns.waking import Night, Rating, waking_days

PEOPLE_AT_ONCE: Final = 20
"""Some 150,000 tiles: what a search holds in memory does not grow with the population."""

OnPerson = Callable[[int, int], None]
"""Told (people done, people in all) after each person."""

_PEOPLE: Final[LiteralString] = """
    select user_id from app.users
    where
        deleted_at is null
        and (%(cohort)s::text is null or cohort = %(cohort)s)
        and (%(user)s::text is null or user_id::text = %(user)s or username = %(user)s)
    order by user_id
"""
_TILES: Final[LiteralString] = """
    select user_id, local_date, measure, n, total, last_value
    from intermediate.int_tiles
    where
        user_id = any(%(people)s)
        and local_date between %(first)s and %(last)s
        and measure = any(%(measures)s)
        and valid_from <= %(known_by)s
        and valid_until > %(known_by)s
"""
_RATINGS_AND_NIGHTS: Final[LiteralString] = """
    select user_id, told, local_date, value, at, form_id
    from intermediate.int_ratings_and_nights
    where
        user_id = any(%(people)s)
        and local_date between %(first)s and %(last)s
        and alive_from <= %(known_by)s
        and alive_until > %(known_by)s
"""
_FORGET: Final[LiteralString] = (
    "delete from insights.pattern_searches where user_id = %s and week_ended_date = %s"
)
_KEEP_SEARCH: Final[LiteralString] = """
    insert into insights.pattern_searches (
        user_id, week_ended_date, first_date, told_days, patterns, tested, omitted, method_version
    ) values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_KEEP_PATTERN: Final[LiteralString] = """
    insert into insights.patterns (
        user_id, week_ended_date, place, kind, outcome, subject, timing, lag_days, changed_on_date, direction,
        estimate, lower, upper, unit, difference, above, days, effective_n, p_value, q_value, stars, sentence
    ) values (
        %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
    )
"""


class WarehouseNotBuiltError(AuroraError):
    def __init__(self) -> None:
        super().__init__("there are no daily measures yet: run `aurora build` first")


class NobodyMeantError(AuroraError):
    def __init__(self, user: str) -> None:
        super().__init__(f"nobody has the id or the user name {user!r}")


@dataclass
class SearchReport:
    """What one week's search came to."""

    week_ended_date: date
    people: int = 0
    silent: int = 0
    """People who told of no day of the window: nothing is stored of them."""
    with_patterns: int = 0
    patterns: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tested: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    without_tests: int = 0
    """People of whom too little is known to test anything."""

    def add(self, found: Search) -> None:
        self.people += 1
        self.with_patterns += bool(found.patterns)
        self.without_tests += not any(found.tested.values())
        for pattern in found.patterns:
            self.patterns[pattern.kind] += 1
        for kind, tested in found.tested.items():
            self.tested[kind] += tested


@dataclass
class _Told:
    """What one person has told of a window."""

    values: list[DayValue] = field(default_factory=list[DayValue])
    ratings: list[Rating] = field(default_factory=list[Rating])
    nights: list[Night] = field(default_factory=list[Night])
    days: set[date] = field(default_factory=set[date])
    """Those of which anything was measured."""

    def laid_out(self, first: date, last: date) -> PersonDays:
        rated = waking_days(self.ratings, self.nights)
        values = [*self.values, *rated.values]
        return person_days(first, last, values, self.days, in_one_form=rated.in_one_form)


def search_people(
    connection: psycopg.Connection[Any],
    week_ended_date: date,
    *,
    cohort: str | None = None,
    user: str | None = None,
    known_by: datetime | None = None,
    on_person: OnPerson | None = None,
) -> SearchReport:
    """Search the window that ends with this Sunday, of everybody who is meant, and replace what the week held.

    `known_by` leaves out what was not known at that instant yet. The connection must be in autocommit.
    """
    people = [row[0] for row in connection.execute(_PEOPLE, {"cohort": cohort, "user": user}).fetchall()]
    if user is not None and not people:
        raise NobodyMeantError(user)
    report = SearchReport(week_ended_date)
    for done, (user_id, found) in enumerate(_searches(connection, people, week_ended_date, known_by), 1):
        with connection.transaction():
            # Two searches of one person at the same time follow one another.
            connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 7))", (str(user_id),))
            connection.execute(_FORGET, (user_id, week_ended_date))
            if found is not None:
                _keep(connection, user_id, week_ended_date, found)
            connection.execute("select pg_notify(%s, %s)", (CHANNEL, tag_of(PATTERNS, user_id)))
        if found is None:
            report.silent += 1
        else:
            report.add(found)
        if on_person:
            on_person(done, len(people))
    return report


def _searches(
    connection: psycopg.Connection[Any],
    people: Sequence[UUID],
    week_ended_date: date,
    known_by: datetime | None,
) -> Iterator[tuple[UUID, Search | None]]:
    """Each person with what was found; None for whoever told of no day of the window."""
    first, last = window_of(week_ended_date)
    rest = iter(people)
    while group := list(islice(rest, PEOPLE_AT_ONCE)):
        asked = {
            "people": group,
            "first": first,
            "last": last,
            "measures": list(FACTORS),
            "known_by": known_by or datetime.max.replace(tzinfo=UTC),
        }
        told: dict[UUID, _Told] = defaultdict(_Told)
        try:
            for user_id, local_date, measure, n, total, newest in connection.execute(_TILES, asked):
                told[user_id].days.add(local_date)
                if measure not in RATED:
                    value = DayValue(local_date, measure, _value(measure, n, total, newest))
                    told[user_id].values.append(value)
            for user_id, what, local_date, value, at, form_id in connection.execute(
                _RATINGS_AND_NIGHTS, asked
            ):
                if what in RATED:
                    told[user_id].ratings.append(Rating(local_date, what, value, at, form_id))
                else:
                    told[user_id].nights.append(Night(local_date, at, form_id))
        except psycopg.errors.UndefinedTable as error:
            raise WarehouseNotBuiltError from error
        for user_id in group:
            yield user_id, search(told[user_id].laid_out(first, last)) if told[user_id].days else None


def _value(measure: str, n: int, total: int, newest: int) -> float:
    """A day's value of a measure, summed up as the catalogue says."""
    entry = MEASURES[measure]
    value = {"sum": total, "mean": total / n, "last": newest}[entry.aggregate]
    return value / entry.scale


def _keep(connection: psycopg.Connection[Any], user_id: UUID, week_ended_date: date, found: Search) -> None:
    connection.execute(
        _KEEP_SEARCH,
        (
            user_id,
            week_ended_date,
            found.first_date,
            found.told_days,
            len(found.patterns),
            Jsonb(found.tested),
            Jsonb([asdict(one) for one in found.omitted if one.days]),
            METHOD_VERSION,
        ),
    )
    rows = [
        (user_id, week_ended_date, place, *_columns(pattern))
        for place, pattern in enumerate(found.patterns, 1)
    ]
    if rows:
        connection.cursor().executemany(_KEEP_PATTERN, rows)


def _columns(pattern: Pattern) -> tuple[Any, ...]:
    return (
        pattern.kind,
        pattern.outcome,
        pattern.subject,
        pattern.timing,
        pattern.lag_days,
        pattern.changed_on_date,
        pattern.direction,
        pattern.estimate,
        pattern.lower,
        pattern.upper,
        pattern.unit,
        pattern.difference,
        pattern.above,
        pattern.days,
        pattern.effective_n,
        pattern.p_value,
        pattern.q_value,
        pattern.stars,
        sentence_of(pattern),
    )
