"""Whether this process lives, has started, and can answer; and its metrics."""
