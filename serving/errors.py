"""Errors that the API answers with; serving/problem_types.py says how each is told. What concerns who somebody is and
what they may is in serving/auth/errors.py.

An error says in words what is wrong and never repeats what the client sent; only a what-if is told the number that
it asked about, beside the range that would be answered.
"""

from __future__ import annotations

from collections.abc import Sequence

from aurora.errors import AuroraError
from aurora.predictions.support import Unsupported


class FeatureFlagUnknownError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "there is no feature flag of this name; GET /api/v1/admin/feature-flags lists what there is"
        )


class FeatureOffError(AuroraError):
    """Somebody decided so. To ask again changes nothing, so it is no 503."""

    def __init__(self) -> None:
        super().__init__("this is switched off, for everybody or for you; an administrator can switch it on")


class PreconditionFailedError(AuroraError):
    def __init__(self) -> None:
        super().__init__("it has changed since you read it (If-Match): read it again, then change it")


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


class HostUnknownError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "no API is called by this Host here; its operator names its hosts in AURORA_API_HOSTS"
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
