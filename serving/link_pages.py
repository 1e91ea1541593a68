"""Where the links of e-mails lead: two small pages that hand the token to the API.

An app that has such pages of its own is named in `AURORA_PUBLIC_URL`, and these are not used. The token stands behind
the `#` of the address, which a browser sends to nobody. Opening a page changes nothing, only its button does: what
looks at the links in e-mails does not use them up.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from serving.paths import CONFIRM_PAGE, EMAIL, PASSWORD, RESET_PAGE

router = APIRouter(include_in_schema=False)

_STYLE: Final = """
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 4rem auto; padding: 0 1rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; margin-top: .75rem; }
input, button { font: inherit; padding: .5rem; }
[hidden] { display: none; }
"""

# The token leaves the address bar and the history at once. Without one, only a form that needs none is of use.
_SCRIPT: Final = """
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
for (const form of document.forms) {
  form.hidden = "link" in form.dataset ? !token : Boolean(token);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(new FormData(form));
    if ("link" in form.dataset) body.token = token;
    const said = document.querySelector("output");
    try {
      const answer = await fetch(form.dataset.url, {
        method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
      });
      said.textContent = answer.ok ? form.dataset.done : (await answer.json()).detail;
      form.hidden = answer.ok;
    } catch {
      said.textContent = "The server does not answer. Try again in a moment.";
    }
  });
}
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · AURORA_LIFE</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{forms}
<p><output></output></p>
<noscript>This page needs JavaScript.</noscript>
<script>{script}</script>
</body>
</html>
"""

_CONFIRM: Final = f"""
<form data-link data-url="{EMAIL}/confirm" data-done="Your address is confirmed. You can log in with it.">
<button>Confirm</button>
</form>
<form><p>Open this page by the link in the e-mail.</p></form>
"""

_RESET: Final = f"""
<form data-link data-url="{PASSWORD}/reset" data-done="Your password is changed. Log in with the new one.">
<label>New password
<input name="new_password" type="password" autocomplete="new-password" minlength="8" required></label>
<button>Change it</button>
</form>
<form data-url="{PASSWORD}/forgotten" data-done="If an account has this address, a link is on its way to it.">
<label>The e-mail address of your account
<input name="email" type="email" autocomplete="email" required></label>
<button>Send me a link</button>
</form>
"""


@router.get(CONFIRM_PAGE)
async def show_confirmation() -> HTMLResponse:
    """A button that confirms an address."""
    return _page("Confirm your e-mail address", _CONFIRM)


@router.get(RESET_PAGE)
async def show_reset() -> HTMLResponse:
    """A new password; without a token, the address that is to get a link."""
    return _page("Choose a new password", _RESET)


def _page(title: str, forms: str) -> HTMLResponse:
    page = HTMLResponse(_PAGE.format(title=title, forms=forms, style=_STYLE, script=_SCRIPT))
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; "
        f"script-src '{_hash(_SCRIPT)}'; style-src '{_hash(_STYLE)}'"
    )
    return page


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
