"""The process of the embedded mailbox: `python -m infra.mailbox FOLDER SMTP_PORT PAGE_PORT`.

It takes e-mails on one loopback port and shows them on a page on another. Reading is all that the page can do.
"""

from __future__ import annotations

import base64
import hashlib
import html
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from infra.embedded.mailbox import KEPT, KeptEmail, Mailbox, mail_server

_HOSTS: Final = ("127.0.0.1", "localhost")

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; overflow-wrap: anywhere; }
tr + tr { border-top: 1px solid GrayText; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid GrayText; padding-top: 1rem; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr, td { display: block; padding: .2rem 0; }
}
"""

# `img-src data:` is for the icon alone: without one, browsers ask for /favicon.ico.
_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)

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
</body>
</html>
"""
_BACK: Final = '<p><a href="/">All e-mails</a></p>'


def main(folder: Path, smtp_port: int, page_port: int) -> None:
    """Run both until a signal ends them."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    mailbox = Mailbox(folder)
    server = mail_server(mailbox, smtp_port)
    pages = page_server(mailbox, page_port)
    server.start()
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    print(f"mailbox: takes e-mails on {smtp_port}, shows them on {page_port}", flush=True)  # noqa: T201  # its log
    stopped.wait()
    pages.shutdown()
    server.stop()


def page_server(mailbox: Mailbox, port: int) -> ThreadingHTTPServer:
    """The page, on loopback; not serving yet."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # its name
            # A name of the internet that somebody points at this machine must not read the mail.
            if self.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
                self._answer(403, _page("Not by this name", "<p>Ask for 127.0.0.1.</p>"))
                return
            name = unquote(self.path.strip("/"))
            page = _list(mailbox.emails()) if not name else _show(mailbox.read(name))
            if page is None:
                gone = f"<p>It is not among the last {KEPT}, or never came.</p>{_BACK}"
                self._answer(404, _page("No such e-mail", gone))
                return
            self._answer(200, page)

        def _answer(self, status: int, page: str) -> None:
            content = page.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
            """Nothing: the log is for what goes wrong."""

    return ThreadingHTTPServer(("127.0.0.1", port), Page)


def _page(heading: str, body: str) -> str:
    title = heading if heading == "Mailbox" else f"{heading} · Mailbox"
    return _PAGE.format(title=title, heading=heading, body=body, style=_STYLE)


def _list(emails: list[KeptEmail]) -> str:
    rows = "".join(
        f'<tr><td><a href="/{quote(kept.name)}">{_subject(kept)}</a></td>'
        f"<td>{_text(kept, 'To')}</td><td>{_text(kept, 'Date')}</td></tr>"
        for kept in emails
    )
    heads = "<thead><tr><th>Subject</th><th>To</th><th>Date</th></tr></thead>"
    explained = f"<p>What AURORA would have sent, the last {KEPT}. Nothing leaves this machine.</p>"
    none_yet = "<p>There is none yet. Load the page again when one was caused.</p>"
    return _page(
        "Mailbox", explained + (f"<table>{heads}<tbody>{rows}</tbody></table>" if rows else none_yet)
    )


def _show(kept: KeptEmail | None) -> str | None:
    if kept is None:
        return None
    heads = "".join(f"<dt>{name}</dt><dd>{_text(kept, name)}</dd>" for name in ("From", "To", "Date"))
    return _page(_subject(kept), f"{_BACK}<dl>{heads}</dl><pre>{_linked(kept.text)}</pre>")


def _subject(kept: KeptEmail) -> str:
    return _text(kept, "Subject") or "(no subject)"


def _text(kept: KeptEmail, header: str) -> str:
    return html.escape(str(kept.message[header] or ""))


def _linked(text: str) -> str:
    """The text as HTML, a line that is an address as a link."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(
        f'    <a href="{html.escape(line)}">{html.escape(line)}</a>'
        if line.startswith(("http://", "https://"))
        else html.escape(line)
        for line in lines
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
