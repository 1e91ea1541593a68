"""Ratings: from a state to the number a person gives, as unreliable as such items are published to be.

The ceilings follow from here: no model can know more of a rating than the distribution given the true state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from pipelines.ingestion.simulator.places import Floats

MOOD_CLASSES = ("very_negative", "negative", "neutral", "positive", "very_positive")
MOOD_CUTS = (-0.6, -0.2, 0.2, 0.6)
"""Version 1 of the cut: < −0.6, [−0.6, −0.2), [−0.2, 0.2], (0.2, 0.6], > 0.6."""


@dataclass(frozen=True)
class Scale:
    """A slider: its ends and step, its published reliability, and the spread of the states it measures."""

    low: float
    high: float
    step: float
    reliability: float
    """Share of the total variance of ratings that a retest reproduces."""
    state_sd: float
    """SD of the true state over people and moments of the reference population (2,000 people, seed 0)."""

    @property
    def noise_sd(self) -> float:
        """From reliability = state variance ÷ (state variance + noise variance)."""
        return self.state_sd * float(np.sqrt((1 - self.reliability) / self.reliability))

    def rate(self, states: Floats, stream: np.random.Generator) -> Floats:
        noisy = states + stream.normal(0.0, self.noise_sd, len(states))
        return np.clip(np.round(np.round(noisy / self.step) * self.step, 6), self.low, self.high)

    def mean_given(self, states: Floats) -> Floats:
        """The expected rating: the state, pulled inwards where the ends of the slider cut the noise off."""
        sd = self.noise_sd
        below, above = (self.low - states) / sd, (self.high - states) / sd
        inside = ndtr(above) - ndtr(below)
        return (
            self.low * ndtr(below)
            + self.high * (1 - ndtr(above))
            + states * inside
            - sd * (_density(above) - _density(below))
        )

    def absolute_error_given(self, states: Floats, guess: Floats) -> Floats:
        """Expected |rating − guess|."""
        sd = self.noise_sd
        below, above = (self.low - states) / sd, (self.high - states) / sd
        at = (guess - states) / sd
        outside = (guess - self.low) * ndtr(below) + (self.high - guess) * (1 - ndtr(above))
        under = (guess - states) * (ndtr(at) - ndtr(below)) + sd * (_density(at) - _density(below))
        over = (states - guess) * (ndtr(above) - ndtr(at)) + sd * (_density(at) - _density(above))
        return outside + under + over

    def variance_given(self, states: Floats) -> Floats:
        """Variance of the rating about its expectation."""
        sd = self.noise_sd
        below, above = (self.low - states) / sd, (self.high - states) / sd
        inside = ndtr(above) - ndtr(below)
        first = states * inside - sd * (_density(above) - _density(below))
        square = (
            (states**2 + sd**2) * inside
            - sd * (states + self.high) * _density(above)
            + sd * (states + self.low) * _density(below)
        )
        mean = self.low * ndtr(below) + self.high * (1 - ndtr(above)) + first
        return self.low**2 * ndtr(below) + self.high**2 * (1 - ndtr(above)) + square - mean**2


ENERGY = Scale(low=0.0, high=10.0, step=0.1, reliability=0.85, state_sd=1.97)
VALENCE = Scale(low=-1.0, high=1.0, step=0.02, reliability=0.73, state_sd=0.382)
STRESS = Scale(low=0.0, high=10.0, step=0.1, reliability=0.73, state_sd=1.525)


def class_probabilities(valence_states: Floats) -> Floats:
    """The probability of each mood class, one row per state."""
    # On the slider's grid the first value past a cut lies one step on; the noise is cut half a step before.
    half = VALENCE.step / 2
    edges = np.array([MOOD_CUTS[0] - half, MOOD_CUTS[1] - half, MOOD_CUTS[2] + half, MOOD_CUTS[3] + half])
    below = ndtr((edges[None, :] - valence_states[:, None]) / VALENCE.noise_sd)
    return np.diff(np.column_stack([np.zeros(len(below)), below, np.ones(len(below))]), axis=1)


def mood_class(valence: Floats) -> np.ndarray:
    """The index of the class in MOOD_CLASSES."""
    rounded = np.round(valence, 6)
    low = (rounded >= MOOD_CUTS[0]).astype(int) + (rounded >= MOOD_CUTS[1]).astype(int)
    return low + (rounded > MOOD_CUTS[2]).astype(int) + (rounded > MOOD_CUTS[3]).astype(int)


def _density(at: Floats) -> Floats:
    return np.exp(-0.5 * at**2) / np.sqrt(2 * np.pi)
