"""Feature flags: what is switched on and off, for everybody or for some, while the API runs."""
