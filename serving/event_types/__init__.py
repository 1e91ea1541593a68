"""The event catalogue on the API."""
