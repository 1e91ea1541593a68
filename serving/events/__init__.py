"""Events on the API: the way into the log, and back out of it."""
