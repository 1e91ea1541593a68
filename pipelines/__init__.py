"""The pipelines of AURORA_LIFE."""
