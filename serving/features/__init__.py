"""Features on the API: what they mean, and a person's own right now."""
