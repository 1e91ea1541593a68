"""Live features: the tiles of the last 28 days in Redis, kept up to date and rebuilt from the log."""
