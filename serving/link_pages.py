"""Where the links of e-mails lead: two small pages that hand the token to the API.

An app that has such pages of its own is named in `AURORA_PUBLIC_URL`, and these are not used. The token stands behind
the `#` of the address, which a browser sends to nobody. Opening a page changes nothing, only its button does: what
looks at the links in e-mails does not use them up.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from serving.pages import page
from serving.paths import CONFIRM_PAGE, EMAIL, PASSWORD, RESET_PAGE

router = APIRouter(include_in_schema=False)

# The token leaves the address bar and the history at once, also that of a second link that is opened in the same tab.
# Without a token, or with one that turned out to be void, only the form that needs none is of use.
_SCRIPT: Final = """
const said = document.querySelector("output");
let token = "";
let isSending = false;

function begin() {
  token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  say("");
  showForms();
}

function showForms() {
  for (const form of document.forms) form.hidden = "link" in form.dataset ? !token : Boolean(token);
}

function say(text, isDone = false) {
  said.className = isDone ? "done" : "";
  said.textContent = text;
}

function inSentences(problem) {
  const details = problem.errors?.map((error) => error.detail) ?? [problem.detail];
  return details.map((text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".")).join(" ");
}

async function send(form) {
  const body = Object.fromEntries(new FormData(form));
  if ("link" in form.dataset) body.token = token;
  const answer = await fetch(form.dataset.url, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
  });
  if (answer.ok) {
    form.hidden = true;
    say(form.dataset.done, true);
    said.focus();
    return;
  }
  const problem = await answer.json();
  if (problem.code === "link-invalid") {
    token = "";
    showForms();
    said.focus();
  }
  say(inSentences(problem));
}

for (const form of document.forms) {
  const {password, shown} = form.elements;
  shown?.addEventListener("change", () => { password.type = shown.checked ? "text" : "password"; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // The second half of a double click would find the link used.
    if (isSending) return;
    isSending = true;
    try {
      await send(form);
    } catch {
      say("The server does not answer. Try again in a moment.");
    } finally {
      isSending = false;
    }
  });
}
addEventListener("hashchange", () => { if (location.hash) begin(); });
begin();
"""

_FRAME: Final = """
<p><output tabindex="-1"></output></p>
{forms}
<noscript><p>This page needs JavaScript: switch it on, and open the link again.</p></noscript>
"""

_CONFIRM: Final = f"""
<form hidden data-link data-url="{EMAIL}/confirm" data-done="Your address is confirmed. You can log in with it.">
<p>With this the address is yours, and you can log in with it.</p>
<button>Confirm my address</button>
</form>
<form hidden>
<p>To confirm an address, open the link in the e-mail that was sent to it.</p>
<p>If you opened it before and confirmed, all is done: log in with your address.
If it has ended, have another sent by the app in which you gave the address.</p>
</form>
"""

_RESET: Final = f"""
<form hidden data-link data-url="{PASSWORD}/reset" data-done="Your password is changed. Log in with the new one.">
<label for="password">New password</label>
<input id="password" name="new_password" type="password" autocomplete="new-password" minlength="8" required
aria-describedby="rule">
<small id="rule">At least 8 characters. A sentence that you remember is a good one.</small>
<label><input id="shown" type="checkbox">Show the password</label>
<button>Change my password</button>
</form>
<form hidden data-url="{PASSWORD}/forgotten"
data-done="If an account has confirmed this address, a link is on its way to it. It holds for an hour.">
<p>You get a link by e-mail, with which you choose a new password.</p>
<label for="email">The e-mail address of your account</label>
<input id="email" name="email" type="email" autocomplete="email" required>
<button>Send me a link</button>
</form>
"""


@router.get(CONFIRM_PAGE)
async def show_confirmation() -> HTMLResponse:
    """A button that confirms an address."""
    return page("Confirm your e-mail address", _FRAME.format(forms=_CONFIRM), _SCRIPT)


@router.get(RESET_PAGE)
async def show_reset() -> HTMLResponse:
    """A new password; without a token, the address that is to get a link."""
    return page("Choose a new password", _FRAME.format(forms=_RESET), _SCRIPT)
