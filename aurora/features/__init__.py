"""Features: one definition each; the SQL, the live computation, the docs and the signature follow."""
