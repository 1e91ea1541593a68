"""The serving of AURORA_LIFE."""
