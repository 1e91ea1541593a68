"""The streams of AURORA_LIFE."""
