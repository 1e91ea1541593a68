"""The kernel of AURORA_LIFE: the domain, without any framework.

Five nouns (events, features, scores, models, predictions), each a package of its own.
Pipelines, serving, streams and infra stand on it and never on one another.
"""
