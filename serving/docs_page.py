"""`/docs`, the AsyncAPI document, and a front door that leads to them. Swagger UI comes from the installed wheel where
there is one, so that it works without the internet.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from serving.idempotency import IDEMPOTENCY_KEY
from serving.live.asyncapi import asyncapi
from serving.pages import content_hash, page
from serving.paths import API, RESET_PAGE

router = APIRouter(include_in_schema=False)

_BUNDLE: Final = "fastapi_swagger"
_FILES: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_CDN: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/"
# Swagger UI styles itself inline.
_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; "
    "img-src 'self' data:; script-src 'self' '{script_hash}'{cdn}; style-src 'self' 'unsafe-inline'{cdn}"
)

_START: Final = f"""
SwaggerUIBundle({{
  url: "{API}/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  persistAuthorization: true,
  requestInterceptor: (request) => {{
    // The example is for one mutation. Each that is tried out gets a key of its own.
    if (request.headers["{IDEMPOTENCY_KEY.name}"] === "{IDEMPOTENCY_KEY.example}") {{
      if (crypto.randomUUID) request.headers["{IDEMPOTENCY_KEY.name}"] = crypto.randomUUID();
      else delete request.headers["{IDEMPOTENCY_KEY.name}"];
    }}
    return request;
  }},
}});
"""

# Its pale colours are too faint to read for many; the one server needs no choice, and there are no links of answers.
_STYLE: Final = """
body { margin: 0; }
nav { font: 1rem/1.5 system-ui, sans-serif; max-width: 1420px; margin: 0 auto; padding: 1rem 20px 0; }
nav a { color: #1f5fbf; margin-right: 1.2rem; }
.swagger-ui .servers-title, .swagger-ui .servers, .swagger-ui .response-col_links { display: none; }
.swagger-ui .opblock .opblock-summary-method { color: #000; text-shadow: none; }
.swagger-ui .info a, .swagger-ui a.link, .swagger-ui .info .link, .swagger-ui .info .link .url { color: #1f5fbf; }
.swagger-ui .info .title small.version-stamp { background: #3f6212; }
.swagger-ui .btn.authorize { color: #146c43; border-color: #146c43; }
.swagger-ui .auth-wrapper .btn.authorize svg { fill: #146c43; }
.swagger-ui .json-schema-2020-12-expand-deep-button { color: #505050; }
.swagger-ui .parameter__in { color: #505050; }
.swagger-ui .btn.execute { background: #1f5fbf; border-color: #1f5fbf; }
.swagger-ui .btn.cancel { color: #b3261e; border-color: #b3261e; }
"""

_DOCS: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>AURORA_LIFE API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{{place}}swagger-ui.css">
<style>{{style}}</style>
</head>
<body>
<nav aria-label="Documents for machines">
<a href="{API}/openapi.json">openapi.json: all requests</a>
<a href="{API}/asyncapi.json">asyncapi.json: the WebSocket</a>
</nav>
<div id="swagger-ui"></div>
<noscript><p>This page needs JavaScript. The documents above do not.</p></noscript>
<script src="{{place}}swagger-ui-bundle.js"></script>
<script>{{start}}</script>
</body>
</html>
"""

_FRONT_DOOR: Final = f"""
<p>Apps record the events of people's lives here, and are told what to make of them.</p>
<ul>
<li><a href="{RESET_PAGE}">Choose a new password</a>, if you forgot yours</li>
<li><a href="/docs">The API</a>, to look at and to try out</li>
<li><a href="{API}/openapi.json">openapi.json</a>: all its requests, for machines</li>
<li><a href="{API}/asyncapi.json">asyncapi.json</a>: its WebSocket, for machines</li>
</ul>
"""


@router.get("/")
async def show_front_door() -> HTMLResponse:
    """Where one gets to from here. An e-mail about the end of an account names this address."""
    return page("AURORA_LIFE", _FRONT_DOOR)


@router.get("/docs")
async def read_docs() -> HTMLResponse:
    """The API, to look at and to try out."""
    is_local = find_spec(_BUNDLE) is not None
    docs = HTMLResponse(_DOCS.format(place="/docs/" if is_local else _CDN, style=_STYLE, start=_START))
    cdn = "" if is_local else " https://cdn.jsdelivr.net"
    docs.headers["Content-Security-Policy"] = _POLICY.format(cdn=cdn, script_hash=content_hash(_START))
    return docs


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
