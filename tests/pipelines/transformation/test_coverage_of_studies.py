"""What docs/analysts.md tells of the whole of two studies is what their files say, by the states of `coverage`.

That the mart has these states is tested on a few of the people (test_real_people.py).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aurora.settings import PROJECT_DIR
from tests.pipelines.transformation.studies import LIFESNAPS, SOCCERMON, Study
from tests.pipelines.transformation.told_coverage import Coverage, coverage_of_all

pytestmark = pytest.mark.datasets

People = dict[str, dict[date, dict[str, Any]]]

PAGE = " ".join((PROJECT_DIR / "docs" / "analysts.md").read_text(encoding="utf-8").split())


def people_of(study: Study, datasets: Path) -> tuple[People, dict[tuple[str, str], Coverage]]:
    people: People = defaultdict(dict)
    for row in study.days(datasets).iter_rows(named=True):
        people[row["person"]][row["date"]] = row
    return people, coverage_of_all(people, study.kinds)


def people_in(state: str, coverage: dict[tuple[str, str], Coverage], kind: str | None = None) -> set[str]:
    return {person for (person, of), entry in coverage.items() if entry.state == state and kind in {None, of}}


def test_the_page_tells_of_soccermon_what_its_file_says(datasets: Path) -> None:
    people, coverage = people_of(SOCCERMON, datasets)
    ends = max(day for days in people.values() for day in days)
    possible = sum((ends - min(days)).days + 1 for days in people.values())
    reports = sum(coverage[person, "energy.rated"].days for person in people)

    assert (
        f"SoccerMon's team ({len(people)} players): a morning report on {reports / possible:.0%}".replace(
            "%", " %"
        )
        in PAGE
    )
    assert f"{len(people_in('left', coverage))} players `left` before the end" in PAGE
    assert f"{len(people_in('stopped', coverage))} went on training without reports or reporting" in PAGE
    assert f"of {len(people_in('complete', coverage))} something is `complete`" in PAGE


def test_the_page_tells_of_lifesnaps_what_its_file_says(datasets: Path) -> None:
    people, coverage = people_of(LIFESNAPS, datasets)
    first = [min(days) for days in people.values()]
    began, second = (
        sum(day == date(2021, 5, 24) for day in first),
        sum(day >= date(2021, 10, 1) for day in first),
    )
    left = people_in("left", coverage)
    early = sum(max(people[person]) < date(2021, 9, 1) for person in left)
    stopped = people_in("stopped", coverage) - left
    never = [
        len(people_in("never", coverage, kind)) for kind in ("hrv.measured", "sleep.recorded", "mood.rated")
    ]

    assert f"LifeSnaps ({len(people)} people) had two rounds" in PAGE
    assert (
        f"{began} people began on 24 May 2021, {second} from October on, {len(first) - began - second} at other"
        in PAGE
    )
    assert f"of the {len(left)} who `left`, {early} did before September" in PAGE
    assert f"only the other {len(left) - early} while the second" in PAGE
    assert f"of {len(stopped)} more a measure `stopped`" in PAGE
    assert "`never` told of {} people, sleep of {} and moods of {}".format(*never) in PAGE
