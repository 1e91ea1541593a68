"""Patterns: what goes along with a person's energy, mood and sleep, on which weekdays, and since when.

Plain statistics over one person's local days; numpy alone. `search.py` is the way in, `specification.py` holds
every threshold, docs/patterns.md the reasons and sources.
"""
