"""Transformation: from the log to features, scores and marts. dbt does it; this package generates and runs it."""
