"""Administration: accounts of others, and what everybody is told. Never what somebody recorded."""
