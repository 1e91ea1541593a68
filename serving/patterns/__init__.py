"""Patterns on the API: what the weekly search found in a person's days."""
