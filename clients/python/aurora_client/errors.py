"""What can go wrong for good. What passes by itself is tried again and is no error."""

from __future__ import annotations

import json


class AuroraClientError(Exception):
    """Anything that this client raises itself."""


class LoginRequiredError(AuroraClientError):
    """The refresh token is used up, closed or too old: log in again."""


class ApiError(AuroraClientError):
    """The API has refused. `code` is stable (see docs/api.md), the text is for people."""

    def __init__(self, status: int, body: bytes | None) -> None:
        problem = _problem(body)
        self.status = status
        self.code: str = str(problem.get("code", ""))
        super().__init__(f"{status} {self.code}: {problem.get('detail', 'no details')}")


def _problem(body: bytes | None) -> dict[str, object]:
    try:
        problem = json.loads(body or b"")
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
