"""Events: what happened in a life. Envelope, catalogue, acceptance, and the append-only log."""
