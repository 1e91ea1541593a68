"""The first steps of the pipeline again, in seconds: events ▶ features ▶ scores ▶ predictions.

One process (`python -m streams`) is the relay from the outbox to Kafka and the Faust worker that consumes.
"""
