"""What was told already, told again: by everybody a day later, or by more people. So a benchmark grows its log."""

from __future__ import annotations

import psycopg

_TIMES = frozenset(
    {
        "started_at", "ended_at", "local_date", "local_started_at", "local_ended_at", "day_started_at", "day_ended_at",
        "received_at", "known_at", "available_at",
    }
)  # fmt: skip


def tell_one_more_day(connection: psycopg.Connection) -> None:
    """What everybody told on their last whole day, told again a day later."""
    last = "local_date = (select max(local_date) - 1 from raw.user_days)"
    # A form belongs to its day: answered on two days, all of its ratings would be asked for at the first answer.
    ids = {"event_id": "md5(event_id::text || local_date)::uuid", "form_id": "md5(form_id || local_date)"}
    for table in ("raw.events", "raw.event_keys", "raw.user_days", "raw.touched_days"):
        later = {name: f"{name} + interval '1 day'" for name in _columns(connection, table) if name in _TIMES}
        _insert_again(connection, table, ids | later, f"where {last}")


def copy_people(connection: psycopg.Connection, copies: int) -> None:
    """Everybody again, so many times, under other ids."""
    ids = {name: f"md5({name}::text || number)::uuid" for name in ("user_id", "event_id")}
    ids["username"] = "username || '-' || number"
    connection.execute(
        "create temporary table copies as select number from generate_series(1, %s) as number", (copies,)
    )
    for table in ("app.users", "raw.events", "raw.event_keys", "raw.user_days", "raw.touched_days"):
        _insert_again(connection, table, ids, "cross join copies")
    connection.execute("analyze")


def _insert_again(connection: psycopg.Connection, table: str, changed: dict[str, str], more: str) -> None:
    columns = _columns(connection, table)
    values = [changed.get(column, column) for column in columns]
    statement = f"insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {table} {more}"  # noqa: S608  # of the catalogue
    connection.execute(f"{statement} on conflict do nothing".encode())


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns where table_schema || '.' || table_name = %s"
        " and column_name <> 'xid' order by ordinal_position",
        (table,),
    ).fetchall()
    return [name for (name,) in rows]
