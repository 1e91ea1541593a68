"""Models as the API tells of them: which version answers, since when and why."""
