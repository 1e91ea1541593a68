"""The WebSocket: what happens to a person, as it happens."""
