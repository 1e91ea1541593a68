"""Live predictions: what the champion says now about the people whose features have changed."""
