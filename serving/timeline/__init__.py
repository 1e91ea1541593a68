"""The timeline: a person's life by local day."""
