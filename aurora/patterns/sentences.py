"""The ready sentence of a pattern: what goes along with what, by how much, over how many days. Never why."""

from __future__ import annotations

from typing import Final

from aurora.events.catalogue import MEASURES
from aurora.patterns.findings import Pattern
from aurora.patterns.phrases import MORE_OF
from aurora.patterns.specification import OUTCOMES, is_of_night

_STRONG: Final = (0.5, "strong")
_MODERATE: Final = (0.3, "moderate")

_TENDS: Final = {
    ("energy", "higher"): "your energy tends to be higher",
    ("energy", "lower"): "your energy tends to be lower",
    ("mood", "higher"): "your mood tends to be better",
    ("mood", "lower"): "your mood tends to be worse",
    ("sleep", "higher"): "you tend to sleep longer",
    ("sleep", "lower"): "you tend to sleep less",
}
_HAS_BEEN: Final = {
    ("energy", "higher"): "your energy has been higher",
    ("energy", "lower"): "your energy has been lower",
    ("mood", "higher"): "your mood has been better",
    ("mood", "lower"): "your mood has been worse",
    ("sleep", "higher"): "you have slept longer",
    ("sleep", "lower"): "you have slept less",
}


def strength_of(rho: float) -> str:
    """Cohen's (1988) words for a correlation."""
    size = abs(rho)
    return next((word for border, word in (_STRONG, _MODERATE) if size >= border), "weak")


def sentence_of(pattern: Pattern) -> str:
    """One pattern in plain words."""
    if pattern.kind == "lagged_correlation":
        return _of_correlation(pattern)
    by = amount(abs(pattern.estimate), pattern.unit)
    key = (pattern.outcome, pattern.direction)
    if pattern.kind == "weekday_effect":
        weekday = f"{pattern.subject.title()}s"
        where = f"In the nights to {weekday}" if OUTCOMES[pattern.outcome].is_night else f"On {weekday}"
        return _capital(
            f"{where} {_TENDS[key]} than on other days, by {by} on average ({pattern.days} days)."
        )
    assert pattern.changed_on_date is not None  # noqa: S101  # a change has a day
    since = f"{pattern.changed_on_date.day} {pattern.changed_on_date:%B %Y}"
    return f"Since about {since} {_HAS_BEEN[key]} than before, by {by} on average ({pattern.days} days)."


def amount(value: float, unit: str) -> str:
    """A value with its unit, as precise as people speak of it."""
    if unit == "valence":
        return f"{value:.2f} on the scale from −1 to 1"
    digits = 0 if value >= 20 else 1 if value >= 1 else 2
    text = f"{round(value, digits):,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}{'' if unit == '%' else ' '}{unit}"


def _of_correlation(pattern: Pattern) -> str:
    parts = [_when(pattern), _TENDS[pattern.outcome, pattern.direction]]
    if pattern.timing == "same_day":
        parts.append("the same day")
    text = " ".join(parts)
    if pattern.difference is not None:
        text += f", by {amount(abs(pattern.difference), MEASURES[OUTCOMES[pattern.outcome].measure].unit)} on average"
    caution = (
        "which came first is not known"
        if pattern.timing == "same_day"
        else "a link, which need not be a cause"
    )
    return _capital(f"{text} ({strength_of(pattern.estimate)} link, {pattern.days} days; {caution}).")


def _when(pattern: Pattern) -> str:
    much = MORE_OF[pattern.subject]
    if pattern.above is not None:
        much += f" (above {amount(pattern.above, MEASURES[pattern.subject].unit)})"
    lag = pattern.lag_days or 0
    if OUTCOMES[pattern.outcome].is_night:
        return f"in the night after days with {much}" if lag == 1 else f"{lag} nights after days with {much}"
    if is_of_night(pattern.subject):
        return (
            f"after nights with {much}"
            if lag == 0
            else f"{_days(lag)} after the morning of nights with {much}"
        )
    if pattern.timing == "same_day":
        return f"on days with {much}"
    return f"on days after {much}" if lag == 1 else f"{_days(lag)} after {much}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
