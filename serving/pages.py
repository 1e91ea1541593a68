"""The frame of the small pages that people open in a browser: style, landmarks, and a policy that lets nothing else in.

A page names its title, its body and, where it does something, its script. To add one, see serving/link_pages.py.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from fastapi.responses import HTMLResponse

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: clamp(1rem, 8vh, 4rem) auto; }
main { padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; }
label, input, button { display: block; width: 100%; box-sizing: border-box; margin-top: .75rem; }
input, button { font: inherit; padding: .6rem; border: 1px solid; border-radius: .3rem; }
input { border-color: GrayText; }
input[type=checkbox] { display: inline; width: 1.1rem; height: 1.1rem; margin: 0 .5rem 0 0; vertical-align: -.1rem; }
button { background: #1f5fbf; border-color: #1f5fbf; color: #fff; cursor: pointer; }
small { display: block; margin-top: .5rem; font-size: .95rem; }
a:focus-visible, input:focus-visible, button:focus-visible { outline: 3px solid CanvasText; outline-offset: 2px; }
output { display: block; overflow-wrap: anywhere; outline: none; }
output:not(:empty) { border-left: .3rem solid #b3261e; padding: .5rem .8rem; }
output.done:not(:empty) { border-color: #1a7f4e; }
[hidden] { display: none; }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{body}
</main>
{script}
</body>
</html>
"""


def page(heading: str, body: str, script: str | None = None) -> HTMLResponse:
    """A page with this heading. Whoever calls has escaped what is in it."""
    answer = HTMLResponse(
        _PAGE.format(
            title=heading if heading == "AURORA_LIFE" else f"{heading} · AURORA_LIFE",
            heading=heading,
            body=body,
            style=_STYLE,
            script="" if script is None else f"<script>{script}</script>",
        )
    )
    # `img-src data:` is for the icon alone: without one, browsers ask for /favicon.ico.
    policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; img-src data:"
    policy += f"; style-src '{content_hash(_STYLE)}'"
    if script is not None:
        policy += f"; connect-src 'self'; script-src '{content_hash(script)}'"
    answer.headers["Content-Security-Policy"] = policy
    return answer


def content_hash(text: str) -> str:
    """How a policy names an inline script or style that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
