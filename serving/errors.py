"""Every error that the API answers with, and the one table that says which status it gets.

An error says in words what is wrong and never repeats what the client sent; only a what-if is told the number that
it asked about, beside the range that would be answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from aurora.errors import (
    AuroraError,
    ServiceUnavailableError,
    UnknownEventTypeError,
    UnknownFeatureError,
    UnknownScoreError,
    UnknownTimeZoneError,
)
from aurora.predictions.support import Unsupported


class CredentialsInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__("user name (or e-mail address) or password is wrong")


class TokenInvalidError(AuroraError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class LoginClosedError(TokenInvalidError):
    """Of a token that verifies, and of a key that was known before."""

    def __init__(self) -> None:
        super().__init__("this login was closed, or this key revoked; log in again")


class TokenMissingError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "send an access token or an API key: `Authorization: Bearer …` (POST /api/v1/auth/login gives a token)"
        )


class ScopeMissingError(AuroraError):
    def __init__(self, scope: str, *, takes_login: bool) -> None:
        super().__init__(
            "no API key may do this: log in (POST /api/v1/auth/login)"
            if takes_login
            else f"this API key was not made for the scope {scope}: make one that has it"
        )


class RoleMissingError(AuroraError):
    def __init__(self) -> None:
        super().__init__("your role does not allow this; an administrator can give you another one")


class ApiKeyNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no API key with this id")


class TooManyApiKeysError(AuroraError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a person may have {limit} API keys; revoke one first")


class AccountNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("there is no account with this id")


class LastAdminError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this is the last administrator: give somebody else the role first")


class TokenReusedError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "this refresh token was used before; the login it belongs to is closed: log in again"
        )


class UsernameTakenError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this user name is taken")


class PasswordWrongError(AuroraError):
    """Of somebody who is logged in: no reason to log in again, so not a 401."""

    def __init__(self) -> None:
        super().__init__("the current password is another one")


class EmailTakenError(AuroraError):
    """Told to whoever has the link, which went to this address: to the owner of both accounts."""

    def __init__(self) -> None:
        super().__init__("another account has this address; log in there, or give this one another address")


class EmailNotWaitingError(AuroraError):
    def __init__(self) -> None:
        super().__init__("no address of yours waits for its confirmation (POST /api/v1/auth/email sets one)")


class EmailUnverifiedError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "confirm an e-mail address first (POST /api/v1/auth/email/verification sends the link)"
        )


class LinkInvalidError(AuroraError):
    """The same for every reason, so that nothing is learned by trying."""

    def __init__(self) -> None:
        super().__init__("this link was used before, has ended, or another took its place; ask for a new one")


class SessionNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no open login with this id")


class PreconditionFailedError(AuroraError):
    def __init__(self) -> None:
        super().__init__("it has changed since you read it (If-Match): read it again, then change it")


class UserNotFoundError(AuroraError):
    def __init__(self, username: str) -> None:
        super().__init__(f"there is no person called {username!r}")


class PasswordUnacceptableError(AuroraError):
    """A password that is too short, or longer than bcrypt can read."""


class EventNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no event with this id")


class RejectedEventNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no rejected event with this id")


class EventRejectedError(AuroraError):
    """An event that could not be accepted; `reason_code` is that of the dead letter."""

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code


class EventConflictError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "another body is stored under this event_id and version: a correction needs the next version"
        )


class BodyRefusedError(AuroraError):
    """A body that was not read to its end. Of a batch, what came before that is taken in all the same."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; nothing of it was stored")
        self.problem = problem


class BodyTooLargeError(BodyRefusedError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit:,} bytes")


class BodyTooSlowError(BodyRefusedError):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"the body was not here after {seconds} s")


class BatchTooLongError(BodyRefusedError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a batch holds at most {limit:,} events")


class BatchUnreadableError(BodyRefusedError):
    """A batch whose body is not what its content type says, from some place on."""


class TooManyBatchesError(AuroraError):
    def __init__(self) -> None:
        super().__init__("too many batches are being read at this moment; nothing of yours was stored")


class BodyUnreadableError(AuroraError):
    """A body that is not what its content type says."""


class MediaTypeUnsupportedError(AuroraError):
    def __init__(self, *supported: str) -> None:
        super().__init__(f"send the body as {' or '.join(supported)}")


class CursorInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this cursor was not given by this list")


class ParameterInvalidError(AuroraError):
    """A parameter that is well-formed and makes no sense."""


class IdempotencyKeyReusedError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this Idempotency-Key belongs to another request; use a fresh one for each")


class IdempotencyKeyInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__("an Idempotency-Key has 1 to 200 printable ASCII characters, e.g. a UUID")


class WhatIfWithoutModelError(AuroraError):
    """Nobody can be asked: there is no model, or it does not answer this person. A baseline knows of no change."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"there is no model to ask: {reason}")


class WhatIfUnsupportedError(AuroraError):
    """A what-if about something that is not known, of this person or of the people learned from."""

    def __init__(self, unsupported: Sequence[Unsupported]) -> None:
        super().__init__(" ".join(each.sentence for each in unsupported))
        self.unsupported = tuple(unsupported)


class WebhookNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("you have no webhook with this id")


class WebhookDeliveryNotFoundError(AuroraError):
    def __init__(self) -> None:
        super().__init__("this webhook has no delivery with this id; they are kept for 30 days")


class WebhookUrlRefusedError(AuroraError):
    """A URL that nothing is sent to. It says why without saying what lies behind it."""


class WebhookDisabledError(AuroraError):
    def __init__(self) -> None:
        super().__init__('this webhook is disabled; enable it first: PATCH {"is_enabled": true}')


class TooManyWebhooksError(AuroraError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a person may have {limit} webhooks; delete one first")


class TooManySecretsError(AuroraError):
    def __init__(self, limit: int) -> None:
        super().__init__(
            f"this webhook has {limit} secrets that are still valid; each that was replaced ends after 24 hours"
        )


class RateLimitExceededError(AuroraError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} s")
        self.retry_after = retry_after


class TooManySocketsError(AuroraError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a person may hold {limit} connections on one server process; close one first")


class ServerBusyError(AuroraError):
    def __init__(self) -> None:
        super().__init__("too many logins at this moment; try again in a few seconds")


class LiveStateUnavailableError(AuroraError):
    def __init__(self) -> None:
        super().__init__("live state (Redis) does not answer; try again in a few seconds")


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
