"""Errors that cross package borders. Each says in words what is wrong and, where one can, what to do."""

from __future__ import annotations


class AuroraError(Exception):
    """Base of every error that AURORA raises on purpose."""


class ServiceNotConfiguredError(AuroraError):
    def __init__(self, setting: str) -> None:
        super().__init__(
            f"no address for {setting}: run `aurora up` to start the embedded services, "
            f"or set AURORA_{setting.upper()}"
        )


class ServiceUnavailableError(AuroraError):
    def __init__(self, service: str, reason: str) -> None:
        super().__init__(
            f"{service} does not answer ({reason}); `aurora status` and `aurora doctor` say more"
        )
        self.service = service


class UnknownTimeZoneError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not an IANA time zone, e.g. 'Europe/Oslo'")


class UnknownEventTypeError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"event type {name!r} is not in the catalogue")


class UnknownFeatureError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"feature {name!r} is not in the catalogue")


class UnknownScoreError(AuroraError):
    def __init__(self, name: str) -> None:
        super().__init__(f"score {name!r} is not in the catalogue")


class CatalogueConflictError(AuroraError):
    """Two catalogue entries claim one name, or an entry refers to something that is not there."""
