"""Serving: the API that apps and people talk to, its WebSocket, and the worker of durable jobs."""
