"""`/docs` and the AsyncAPI document. Swagger UI comes from the installed wheel where there is one, so that it
works without the internet.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response

from serving.live.asyncapi import asyncapi
from serving.paths import API

router = APIRouter(include_in_schema=False)

_BUNDLE: Final = "fastapi_swagger"
_FILES: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_CDN: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/"
# Swagger UI starts itself with an inline script and styles itself inline.
_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; "
    "img-src 'self' data:; script-src 'self' 'unsafe-inline'{cdn}; style-src 'self' 'unsafe-inline'{cdn}"
)


@router.get("/docs")
async def read_docs() -> HTMLResponse:
    """The API, to look at and to try out."""
    is_local = find_spec(_BUNDLE) is not None
    place = "/docs/" if is_local else _CDN
    page = get_swagger_ui_html(
        openapi_url=f"{API}/openapi.json",
        title="AURORA_LIFE API",
        swagger_js_url=place + "swagger-ui-bundle.js",
        swagger_css_url=place + "swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"persistAuthorization": True, "docExpansion": "list"},
    )
    cdn = "" if is_local else " https://cdn.jsdelivr.net"
    page.headers["Content-Security-Policy"] = _POLICY.format(cdn=cdn)
    return page


@router.get(f"{API}/asyncapi.json")
async def read_asyncapi(request: Request) -> JSONResponse:
    """The WebSocket, for machines: what openapi.json is for the rest."""
    protocol = "wss" if request.url.scheme == "https" else "ws"
    return JSONResponse(asyncapi(request.url.netloc, protocol))


@router.get("/docs/{name}")
async def read_docs_file(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in _FILES or find_spec(_BUNDLE) is None:
        raise HTTPException(404)
    return Response(_file(name), media_type=_FILES[name], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _file(name: str) -> bytes:
    return files(_BUNDLE).joinpath("resources", name).read_bytes()
