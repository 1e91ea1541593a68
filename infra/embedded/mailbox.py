"""A mail server that delivers nothing: it takes every e-mail and keeps the last ones as files, to be looked at.

Those who try AURORA out have no mail server, and the e-mails of a try should reach nobody.
"""

from __future__ import annotations

import email
import os
import threading
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from aurora import clock

KEPT: Final = 200


@dataclass(frozen=True)
class KeptEmail:
    """One e-mail in the mailbox. `name` is its file's."""

    name: str
    message: EmailMessage

    @property
    def text(self) -> str:
        """Its words."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""


@dataclass
class Mailbox:
    """A folder with e-mails (`.eml`), named by when they came."""

    folder: Path
    kept: int = KEPT
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _count: int = field(default=0, repr=False)

    def put(self, content: bytes) -> None:
        """Keep an e-mail; the oldest goes when there are too many."""
        with self._writing:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._count += 1
            name = f"{clock.now():%Y%m%dT%H%M%S.%f}-{os.getpid()}-{self._count:06}.eml"
            unfinished = self.folder / f".{name}"
            unfinished.write_bytes(content)
            unfinished.rename(self.folder / name)
            for old in self._names()[self.kept :]:
                (self.folder / old).unlink(missing_ok=True)

    def emails(self) -> list[KeptEmail]:
        """All of them, the latest first."""
        return [kept for name in self._names() if (kept := self.read(name)) is not None]

    def read(self, name: str) -> KeptEmail | None:
        """The e-mail of that name; None when there is none."""
        if name not in self._names():
            return None
        try:
            content = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        return KeptEmail(name, email.message_from_bytes(content, policy=policy.default))

    def _names(self) -> list[str]:
        return sorted((file.name for file in self.folder.glob("[!.]*.eml")), reverse=True)


class _Taker:
    """What aiosmtpd calls for each e-mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        del server, session
        content: Any = envelope.content
        self._mailbox.put(content if isinstance(content, bytes) else str(content).encode())
        return "250 kept"


def mail_server(mailbox: Mailbox, port: int) -> Controller:
    """An SMTP server on loopback, in a thread of its own: `start()` and `stop()` it."""
    return Controller(_Taker(mailbox), hostname="127.0.0.1", port=port)
