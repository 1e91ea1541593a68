"""The process of the embedded mailbox: `python -m infra.mailbox FOLDER SMTP_PORT PAGE_PORT`.

It takes e-mails on one loopback port and shows them on a page on another. Reading is all that the page can do.
"""

from __future__ import annotations

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

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


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
                self.send_error(403, "ask for 127.0.0.1")
                return
            name = unquote(self.path.strip("/"))
            page = _list(mailbox.emails()) if not name else _show(mailbox.read(name))
            if page is None:
                self.send_error(404)
                return
            content = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
            """Nothing: the log is for what goes wrong."""

    return ThreadingHTTPServer(("127.0.0.1", port), Page)


def _list(emails: list[KeptEmail]) -> str:
    rows = "".join(
        f"<tr><td>{_text(kept, 'Date')}</td><td>{_text(kept, 'To')}</td>"
        f'<td><a href="/{quote(kept.name)}">{_text(kept, "Subject")}</a></td></tr>'
        for kept in emails
    )
    explained = f"<p>What AURORA would have sent, the last {KEPT}. Nothing leaves this machine.</p>"
    return _PAGE.format(title="Mailbox", body=f"{explained}<table>{rows}</table>" if rows else explained)


def _show(kept: KeptEmail | None) -> str | None:
    if kept is None:
        return None
    heads = "".join(f"<p>{name}: {_text(kept, name)}</p>" for name in ("From", "To", "Date"))
    return _PAGE.format(title=_text(kept, "Subject"), body=f"{heads}<pre>{_linked(kept.text)}</pre>")


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
