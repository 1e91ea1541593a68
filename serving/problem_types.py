"""How each kind of error is told: the one table of statuses, codes and titles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg

from aurora.errors import (
    ServiceUnavailableError,
    UnknownEventTypeError,
    UnknownFeatureError,
    UnknownScoreError,
    UnknownTimeZoneError,
)
from serving.auth.errors import (
    AccountNotFoundError,
    ApiKeyNotFoundError,
    CredentialsInvalidError,
    EmailNotWaitingError,
    EmailTakenError,
    EmailUnverifiedError,
    LastAdminError,
    LinkInvalidError,
    PasswordUnacceptableError,
    PasswordWrongError,
    RegistrationClosedError,
    RoleMissingError,
    ScopeMissingError,
    SessionNotFoundError,
    TokenInvalidError,
    TokenMissingError,
    TokenReusedError,
    TooManyApiKeysError,
    UsernameTakenError,
    UserNotFoundError,
)
from serving.errors import (
    BatchTooLongError,
    BatchUnreadableError,
    BodyTooLargeError,
    BodyTooSlowError,
    BodyUnreadableError,
    CursorInvalidError,
    EventConflictError,
    EventNotFoundError,
    EventRejectedError,
    FeatureFlagUnknownError,
    FeatureOffError,
    HostUnknownError,
    IdempotencyKeyInvalidError,
    IdempotencyKeyReusedError,
    LiveStateUnavailableError,
    MediaTypeUnsupportedError,
    ParameterInvalidError,
    PreconditionFailedError,
    RateLimitExceededError,
    RejectedEventNotFoundError,
    ServerBusyError,
    TooManyBatchesError,
    TooManySecretsError,
    TooManySocketsError,
    TooManyWebhooksError,
    WebhookDeliveryNotFoundError,
    WebhookDisabledError,
    WebhookNotFoundError,
    WebhookUrlRefusedError,
    WhatIfUnsupportedError,
    WhatIfWithoutModelError,
)


@dataclass(frozen=True)
class ProblemType:
    """How one kind of error is told: `code` is stable and ends the problem's `type` URI."""

    status: int
    code: str
    title: str
    retry_after: int | None = None


STATUS_OF: Final[dict[type[Exception], ProblemType]] = {
    CredentialsInvalidError: ProblemType(401, "credentials-invalid", "Not logged in"),
    TokenMissingError: ProblemType(401, "token-missing", "Not logged in"),
    TokenInvalidError: ProblemType(401, "token-invalid", "Token not accepted"),
    TokenReusedError: ProblemType(401, "token-reused", "Refresh token used twice"),
    ScopeMissingError: ProblemType(403, "scope-missing", "Key not made for this"),
    RoleMissingError: ProblemType(403, "role-missing", "Not allowed"),
    ApiKeyNotFoundError: ProblemType(404, "api-key-not-found", "No such API key"),
    TooManyApiKeysError: ProblemType(409, "too-many-api-keys", "Too many API keys"),
    AccountNotFoundError: ProblemType(404, "account-not-found", "No such account"),
    LastAdminError: ProblemType(409, "last-admin", "The last administrator"),
    FeatureFlagUnknownError: ProblemType(404, "feature-flag-unknown", "Unknown feature flag"),
    FeatureOffError: ProblemType(403, "feature-off", "Switched off"),
    RegistrationClosedError: ProblemType(403, "registration-closed", "Registration closed"),
    UsernameTakenError: ProblemType(409, "username-taken", "User name taken"),
    PasswordUnacceptableError: ProblemType(422, "password-unacceptable", "Password not accepted"),
    PasswordWrongError: ProblemType(422, "password-wrong", "Password not right"),
    EmailTakenError: ProblemType(409, "email-taken", "Address taken"),
    EmailNotWaitingError: ProblemType(409, "email-not-waiting", "No address waits"),
    EmailUnverifiedError: ProblemType(403, "email-unverified", "No confirmed address"),
    LinkInvalidError: ProblemType(422, "link-invalid", "Link not valid"),
    SessionNotFoundError: ProblemType(404, "session-not-found", "No such login"),
    PreconditionFailedError: ProblemType(412, "precondition-failed", "Changed meanwhile"),
    UserNotFoundError: ProblemType(404, "user-not-found", "No such person"),
    EventNotFoundError: ProblemType(404, "event-not-found", "No such event"),
    RejectedEventNotFoundError: ProblemType(404, "rejected-event-not-found", "No such rejected event"),
    EventRejectedError: ProblemType(422, "event-rejected", "Event not accepted"),
    EventConflictError: ProblemType(409, "event-conflict", "Event conflicts with the log"),
    BodyTooLargeError: ProblemType(413, "body-too-large", "Body too large"),
    BodyTooSlowError: ProblemType(408, "body-too-slow", "Body too slow"),
    BatchTooLongError: ProblemType(413, "batch-too-long", "Batch too long"),
    BatchUnreadableError: ProblemType(400, "body-unreadable", "Body cannot be read"),
    TooManyBatchesError: ProblemType(503, "server-busy", "Server busy", retry_after=5),
    BodyUnreadableError: ProblemType(400, "body-unreadable", "Body cannot be read"),
    MediaTypeUnsupportedError: ProblemType(415, "media-type-unsupported", "Media type not supported"),
    CursorInvalidError: ProblemType(400, "cursor-invalid", "Cursor not valid"),
    ParameterInvalidError: ProblemType(422, "parameter-invalid", "Parameter not valid"),
    IdempotencyKeyReusedError: ProblemType(422, "idempotency-key-reused", "Idempotency-Key used before"),
    IdempotencyKeyInvalidError: ProblemType(400, "idempotency-key-invalid", "Idempotency-Key not valid"),
    WhatIfWithoutModelError: ProblemType(409, "what-if-without-model", "No model to ask"),
    WhatIfUnsupportedError: ProblemType(422, "what-if-unsupported", "Outside what is known"),
    WebhookNotFoundError: ProblemType(404, "webhook-not-found", "No such webhook"),
    WebhookDeliveryNotFoundError: ProblemType(404, "webhook-delivery-not-found", "No such delivery"),
    WebhookUrlRefusedError: ProblemType(422, "webhook-url-refused", "URL not accepted"),
    WebhookDisabledError: ProblemType(409, "webhook-disabled", "Webhook disabled"),
    TooManyWebhooksError: ProblemType(409, "too-many-webhooks", "Too many webhooks"),
    TooManySecretsError: ProblemType(409, "too-many-webhook-secrets", "Too many secrets"),
    RateLimitExceededError: ProblemType(429, "rate-limited", "Too many requests"),
    TooManySocketsError: ProblemType(429, "too-many-sockets", "Too many connections"),
    ServerBusyError: ProblemType(503, "server-busy", "Server busy", retry_after=5),
    HostUnknownError: ProblemType(400, "host-unknown", "Unknown host"),
    LiveStateUnavailableError: ProblemType(503, "live-state-unavailable", "Live state away", retry_after=2),
    UnknownTimeZoneError: ProblemType(422, "time-zone-unknown", "Unknown time zone"),
    UnknownEventTypeError: ProblemType(404, "event-type-unknown", "Unknown event type"),
    UnknownScoreError: ProblemType(404, "score-unknown", "Unknown score"),
    UnknownFeatureError: ProblemType(404, "feature-unknown", "Unknown feature"),
    ServiceUnavailableError: ProblemType(503, "database-unavailable", "Database away", retry_after=2),
    # Covers a pool without a free connection (PoolTimeout) and a server that went away mid-query.
    psycopg.OperationalError: ProblemType(503, "database-unavailable", "Database away", retry_after=2),
}

UNEXPECTED: Final = ProblemType(500, "unexpected", "Something went wrong on our side")
INVALID: Final = ProblemType(422, "request-invalid", "Request not valid")
"""What FastAPI finds wrong with parameters and bodies."""


def problem_of(error: Exception) -> ProblemType:
    """The nearest entry of STATUS_OF along the error's own ancestry, else UNEXPECTED."""
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return STATUS_OF[kind]
    return UNEXPECTED
