"""The gate: may this candidate become champion? A pure decision that says why, in sentences.

A new recipe must win: the lower 95 % bound of its lift over the champion (over the best baseline while
there is no champion) lies above zero. A first model, which takes the place of a baseline, must gain 1 % of the
baseline's loss as well. A refit of the champion's recipe must not be inferior: the upper bound of its loss stays
below 1 %. In all cases no slice loses beyond doubt (Holm over all slices), the
leak detector is quiet (on real data nobody predicts ratings that well, on simulated data nobody beats the
ceiling), and it is small and quick enough to be served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aurora.models.lift import LEAST_PEOPLE, Lift

MOST_INFERIOR = 0.01
LEAST_GAIN = MOST_INFERIOR
"""Of a model over the baseline. The interval knows of other people, and not of another draw of the training, which
alone moves a lift by some tenths of a percent. And a refit may lose so much: what gains less may end below it.
"""
SUSPECT_R2 = 0.8
SUSPECT_R_WITHIN = 0.75
CEILING_SLACK = 0.03
"""Held-out days are a sample: a score may pass the ceiling of the whole simulation by this share, not by
more.
"""
SLICE_LEVEL = 0.025
LARGEST_ARTIFACT_MB = 20.0
"""Every process that answers fetches the artifact of each cohort's champion when it changes."""
SLOWEST_ANSWER_MS = 25.0
"""CPU time of one answer with its reasons: half of the 50 ms that a request may take. Far above what any version takes
(the tag `answer_milliseconds`), so that a busy machine refuses none.
"""
LEAK_CHECK = "no_leak"


@dataclass(frozen=True)
class Check:
    """One question of the gate and its answer, as a sentence."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate is promoted, and every check behind it."""

    promoted: bool
    checks: tuple[Check, ...]

    @property
    def suspects_leak(self) -> bool:
        """Whether the candidate is better than anything honest can be."""
        return any(check.name == LEAK_CHECK and not check.passed for check in self.checks)

    @property
    def reason(self) -> str:
        """What decided: the failed checks, or all of them."""
        decisive = [check for check in self.checks if not check.passed] or list(self.checks)
        return "; ".join(check.sentence for check in decisive)


@dataclass(frozen=True)
class Footprint:
    """What serving a candidate takes: the megabytes of its artifact, and CPU time of one answer with its reasons."""

    megabytes: float
    milliseconds: float


def judge(
    *,
    reference: str,
    is_refit: bool,
    against_baseline: bool,
    lift: Lift,
    slices: Mapping[str, Lift],
    metrics: Mapping[str, float],
    footprint: Footprint,
    ceiling: Mapping[str, float] | None = None,
) -> Verdict:
    """Decide on a candidate whose losses were compared with those of `reference` on the same held-out rows.

    `against_baseline`: the reference is no champion.
    `metrics` are the candidate's own (r2, r_within, mae). `ceiling` is given for a simulated cohort only.
    """
    checks = (
        _enough_people(lift),
        _not_inferior(reference, lift)
        if is_refit
        else _wins(reference, lift, LEAST_GAIN if against_baseline else 0.0),
        _no_slice_loses(slices),
        _below_ceiling(metrics, ceiling) if ceiling else _no_leak(metrics),
        _can_be_served(footprint),
    )
    return Verdict(all(check.passed for check in checks), checks)


def _enough_people(lift: Lift) -> Check:
    enough = lift.people >= LEAST_PEOPLE
    return Check(
        "enough_people",
        enough,
        f"judged on {lift.people} people (at least {LEAST_PEOPLE}) and {lift.rows} ratings",
    )


def _wins(reference: str, lift: Lift, least_gain: float) -> Check:
    if lift.lower <= 0:
        return Check("wins", passed=False, sentence=f"does not win against {reference}: {_interval(lift)}")
    if lift.relative < least_gain:
        told = f"wins too little against {reference}: {_interval(lift)}, and {least_gain:.0%} is asked of a first model"
        return Check("wins", passed=False, sentence=told)
    return Check("wins", passed=True, sentence=f"wins against {reference}: {_interval(lift)}")


def _not_inferior(reference: str, lift: Lift) -> Check:
    passed = -lift.relative_lower < MOST_INFERIOR
    word = "is not inferior" if passed else "may be inferior"
    return Check("not_inferior", passed, f"{word} to {reference}: {_interval(lift)}")


def _interval(lift: Lift) -> str:
    return (
        f"lift {lift.mean:+.4f} per person, 95 % interval {lift.lower:+.4f} to {lift.upper:+.4f} "
        f"({lift.relative:+.1%})"
    )


def losing_slices(slices: Mapping[str, Lift]) -> list[str]:
    """The slices whose Holm-adjusted interval lies wholly below zero."""
    ordered = sorted(slices.items(), key=lambda item: item[1].worse_p)
    losing = []
    for number, (name, lift) in enumerate(ordered):
        if lift.worse_p > SLICE_LEVEL / (len(ordered) - number):
            break
        losing.append(name)
    return losing


def _no_slice_loses(slices: Mapping[str, Lift]) -> Check:
    losing = losing_slices(slices)
    if losing:
        told = ", ".join(f"{name} ({slices[name].mean:+.4f})" for name in losing)
        return Check("no_slice_loses", passed=False, sentence=f"loses beyond doubt in {told}")
    return Check("no_slice_loses", passed=True, sentence=f"none of {len(slices)} slices loses beyond doubt")


def _no_leak(metrics: Mapping[str, float]) -> Check:
    r2, r_within = metrics.get("r2", 0.0), metrics.get("r_within", 0.0)
    quiet = r2 <= SUSPECT_R2 and r_within <= SUSPECT_R_WITHIN
    if quiet:
        return Check(
            LEAK_CHECK, passed=True, sentence=f"R² {r2:.2f} and within-person r {r_within:.2f} are believable"
        )
    return Check(
        LEAK_CHECK,
        passed=False,
        sentence=f"R² {r2:.2f} and within-person r {r_within:.2f} are too good for real ratings "
        f"(more than {SUSPECT_R2} or {SUSPECT_R_WITHIN}): look for a leak",
    )


def _below_ceiling(metrics: Mapping[str, float], ceiling: Mapping[str, float]) -> Check:
    broken = []
    for name in ("mae", "r2", "accuracy", "macro_f1"):
        best, reached = ceiling.get(name), metrics.get(name)
        if best is None or reached is None:
            continue
        beaten = reached < best * (1 - CEILING_SLACK) if name == "mae" else reached > best + CEILING_SLACK
        if beaten:
            broken.append(f"{name} {reached:.3f} beats the ceiling {best:.3f}")
    if broken:
        return Check(LEAK_CHECK, passed=False, sentence=f"{', '.join(broken)}: nobody can, look for a leak")
    return Check(LEAK_CHECK, passed=True, sentence="stays below the ceiling of the simulation")


def _can_be_served(footprint: Footprint) -> Check:
    too_large = footprint.megabytes > LARGEST_ARTIFACT_MB
    too_slow = footprint.milliseconds > SLOWEST_ANSWER_MS
    # Passed, it says nothing that differs from one run to the next: the same rows tell the same.
    size = f"{footprint.megabytes:.1f} MB" if too_large else f"at most {LARGEST_ARTIFACT_MB:.0f} MB"
    time = f"{footprint.milliseconds:.0f} ms" if too_slow else f"at most {SLOWEST_ANSWER_MS:.0f} ms"
    if too_large or too_slow:
        limits = f"{LARGEST_ARTIFACT_MB:.0f} MB and {SLOWEST_ANSWER_MS:.0f} ms are allowed"
        return Check(
            "can_be_served", passed=False, sentence=f"takes {size} and {time} for an answer: {limits}"
        )
    return Check("can_be_served", passed=True, sentence=f"takes {size} and {time} for an answer")
