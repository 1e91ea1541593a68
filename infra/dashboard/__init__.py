"""The analysts' dashboard: its queries, its charts, and the virtualenv of its own that shows them."""
