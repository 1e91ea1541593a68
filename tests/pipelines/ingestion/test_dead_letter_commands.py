"""`aurora dead-letters`, as a person types it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aurora.events.catalogue import EVENT_TYPES, EventType
from aurora.events.payloads import Note
from pipelines.ingestion.dead_letter_commands import UnknownLetterError, UnknownReasonError
from tests.pipelines.ingestion.imports import an_envelope, event_count, ndjson, value_of
from tests.pipelines.ingestion.test_commands import aurora, configured

__all__ = ["configured"]


@pytest.fixture
def dreams(configured: str, tmp_path: Path) -> str:
    """Two events of a type that nobody knows, and one that will never be right, imported."""
    envelopes = [an_envelope(type="dream.remembered", payload={}) for _ in range(2)]
    envelopes.append(an_envelope(payload={"energy": 99}))
    envelopes.append(an_envelope())
    aurora("import", ndjson(tmp_path / "dreams.ndjson", envelopes))
    return configured


def learn_dreams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVENT_TYPES, "dream.remembered", EventType("dream.remembered", Note, "A dream."))


def test_list_counts_by_reason_and_says_what_it_means(dreams: str) -> None:
    code, output = aurora("dead-letters", "list")

    assert code == 0
    assert "events │ unknown_type │ 2" in output
    assert "not in the catalogue" in output
    assert "dream.remembered" in output


def test_list_filters_by_reason_source_and_time(dreams: str) -> None:
    assert "invalid_payload" not in aurora("dead-letters", "list", "--reason", "unknown_type")[1]
    assert "No dead letters" in aurora("dead-letters", "list", "--source", "api")[1]
    assert "No dead letters" in aurora("dead-letters", "list", "--since", "2999-01-01")[1]
    with pytest.raises(UnknownReasonError, match="there are: invalid_envelope"):
        aurora("dead-letters", "list", "--reason", "bad_luck")


def test_show_tells_why_what_helps_and_what_was_received(dreams: str) -> None:
    rejection_id = value_of(
        dreams, "select min(rejection_id) from raw.rejected_events where reason_code = 'unknown_type'"
    )

    _, output = aurora("dead-letters", "show", str(rejection_id))

    assert "Add the type to the catalogue" in output
    assert '"type": "dream.remembered"' in output
    with pytest.raises(UnknownLetterError):
        aurora("dead-letters", "show", "999999")


def test_replay_after_a_fix_says_what_was_accepted_and_what_was_not(
    dreams: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_dreams(monkeypatch)

    _, output = aurora("dead-letters", "replay")

    assert "3 letters looked at, 2 settled." in output
    assert "accepted 2" in output
    assert "still rejected: invalid_payload 1" in output
    assert event_count(dreams) == 3


def test_replay_repeated_changes_nothing(dreams: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learn_dreams(monkeypatch)
    aurora("dead-letters", "replay")

    _, output = aurora("dead-letters", "replay", "--reason", "unknown_type")

    assert "0 letters looked at, 0 settled." in output
    assert event_count(dreams) == 3


def test_rows_of_a_file_are_left_to_their_file(configured: str, tmp_path: Path) -> None:
    with psycopg.connect(configured, autocommit=True) as connection:
        connection.execute(
            "insert into raw.rejected_events (source, reason_code, reason, body, batch_id, row_number)"
            " values ('diary', 'row_expectation', 'mood lies outside 1 to 5', '{}', gen_random_uuid(), 7)"
        )

    _, output = aurora("dead-letters", "replay")

    assert "needs its file 1 Import the file again" in output
