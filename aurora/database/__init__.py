"""Postgres: the tables that Alembic owns, their migrations, partitions, roles and grants.

Alembic owns `app`, `raw` and `predictions`; dbt owns all other schemas.
"""
