"""Jobs: durable work on Postgres, done by a worker of its own, scheduled or deferred."""
