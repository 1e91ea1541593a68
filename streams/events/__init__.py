"""Events on their way: from the outbox to Kafka, and out of a message again."""
