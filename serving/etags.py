"""Entity tags (RFC 9110, section 8.8): which state of a thing an answer shows.

An app that sends the tag back as `If-None-Match` is told when nothing has changed (304). One that sends it as
`If-Match` changes what it saw, or nothing (412): two apps that edit one profile do not overwrite each other.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from serving.errors import PreconditionFailedError

UNCHANGED: Final = {304: {"description": "The same as the ETag that you sent in If-None-Match"}}

ETAG_EXAMPLE: Final = '"33a64df551425fcc55e4d42a148795d9"'

# The app may keep an answer, and asks each time whether it still holds: an event changes it at any moment.
_KEEP: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The `ETag` of the state that you want to change; any other is left as it is (412)",
        examples=[ETAG_EXAMPLE],
    ),
]


def cacheable(shown: BaseModel, request: Request) -> Response:
    """The answer with its tag, or 304 where the request names that tag already."""
    return cacheable_json(_body_of(shown), request)


def cacheable_json(body: bytes, request: Request) -> Response:
    """The same for an answer that is JSON already."""
    known = request.headers.get("if-none-match")
    if known is not None:
        tag = _tag_of(body)
        if {tag, "*"} & {each.removeprefix("W/") for each in _tags(known)}:
            return Response(status_code=304, headers={"ETag": tag, **_KEEP})
    return _tagged(body)


def tagged(shown: BaseModel) -> Response:
    """The answer with its tag, whatever the request knows."""
    return _tagged(_body_of(shown))


def _tagged(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"ETag": _tag_of(body), **_KEEP})


def check_match(if_match: str | None, shown: BaseModel) -> None:
    """PreconditionFailedError unless the header is absent, is `*`, or names the tag of this state."""
    if if_match is not None and not {"*", _tag_of(_body_of(shown))} & _tags(if_match):
        raise PreconditionFailedError


def _body_of(shown: BaseModel) -> bytes:
    return shown.model_dump_json(by_alias=True).encode()


def _tag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
