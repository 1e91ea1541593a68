"""Scores on the API: the warehouse's daily scores of a person."""
