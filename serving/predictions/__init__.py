"""Predictions on the API: the champion's answer for a person now, or the baseline's, and who said it."""
