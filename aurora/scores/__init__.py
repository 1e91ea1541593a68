"""Scores: open, versioned formulas from a person's day to 0–100, each with the source it was taken from."""
