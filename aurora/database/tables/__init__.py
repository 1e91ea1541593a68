"""Every table that Alembic owns, as SQLAlchemy Core, a module a schema or part of one. Rows are described there."""

from __future__ import annotations

from aurora.database.tables.app_schema import (
    api_keys,
    email_tokens,
    feature_flags,
    idempotency_keys,
    notice_heads,
    notices,
    outgoing_emails,
    pseudonyms,
    sessions,
    users,
)
from aurora.database.tables.audit_tables import audit, audit_seals
from aurora.database.tables.columns import PgSnapshot, Xid8, metadata
from aurora.database.tables.insights_schema import pattern_searches, patterns
from aurora.database.tables.predictions_schema import (
    drift,
    model_alias_history,
    model_aliases,
    model_artifacts,
    predictions,
    shadow_predictions,
)
from aurora.database.tables.raw_schema import (
    builds,
    event_archives,
    event_keys,
    events,
    import_batches,
    import_rows,
    outbox,
    rejected_events,
    simulations,
    touched_days,
    user_days,
    zone_data,
)
from aurora.database.tables.webhooks_tables import (
    webhook_attempts,
    webhook_deliveries,
    webhook_secrets,
    webhooks,
)

OWNED_SCHEMAS = ("app", "raw", "predictions", "insights")

__all__ = [
    "OWNED_SCHEMAS",
    "PgSnapshot",
    "Xid8",
    "api_keys",
    "audit",
    "audit_seals",
    "builds",
    "drift",
    "email_tokens",
    "event_archives",
    "event_keys",
    "events",
    "feature_flags",
    "idempotency_keys",
    "import_batches",
    "import_rows",
    "metadata",
    "model_alias_history",
    "model_aliases",
    "model_artifacts",
    "notice_heads",
    "notices",
    "outbox",
    "outgoing_emails",
    "pattern_searches",
    "patterns",
    "predictions",
    "pseudonyms",
    "rejected_events",
    "sessions",
    "shadow_predictions",
    "simulations",
    "touched_days",
    "user_days",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_secrets",
    "webhooks",
    "zone_data",
]
