"""A private Postgres, Redis and Kafka-protocol broker out of PyPI wheels, on loopback only.

Each is a small object that can be started and stopped, or asked for the command that a supervisor shall run.
"""
