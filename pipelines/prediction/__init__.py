"""Prediction: answers for everybody of a cohort at once, from the newest feature vectors."""
