"""What surrounds every request. Pure ASGI only: BaseHTTPMiddleware costs ten times as much here."""
