"""Ingestion: files, third-party sources and simulated people become events."""
