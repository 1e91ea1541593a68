"""Predictions: the final answers of trained models, with an interval, reasons, and a baseline to fall back
on.
"""
