"""Rejected events on the API: a person sees, replays or discards what was not accepted of theirs."""
