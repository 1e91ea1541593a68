"""The way to a mail server: one connection for each e-mail, and why it was not taken when it was not."""

from __future__ import annotations

import asyncio
import ipaddress
import platform
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from aurora.errors import AuroraError

SECONDS: Final = 20
"""Within these an e-mail is taken, or the attempt is over."""


class MailServerInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "AURORA_SMTP_URL is no address of a mail server: smtp://host:port or smtps://user:password@host:port"
        )


@dataclass(frozen=True)
class NotTaken:
    """Why a server did not take an e-mail: without its words, which repeat the address."""

    problem: str
    is_final: bool = False
    """It knows no such mailbox, and will not tomorrow."""


@dataclass(frozen=True)
class MailServer:
    """A server that takes e-mails."""

    host: str
    port: int | None
    username: str | None
    password: str | None
    has_tls: bool
    """From the first byte on (smtps); else it is asked for STARTTLS."""

    @classmethod
    def of(cls, url: str) -> Self:
        """The server of an address; MailServerInvalidError when it is none."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not _has_port(parts):
            raise MailServerInvalidError
        return cls(
            host=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            has_tls=parts.scheme == "smtps",
        )

    async def send(self, message: EmailMessage, recipient: str) -> NotTaken | None:
        """Hand an e-mail over; None when it was taken."""
        try:
            async with asyncio.timeout(SECONDS):
                await aiosmtplib.send(
                    message,
                    recipients=[recipient],
                    hostname=self.host,
                    port=self.port,
                    username=self.username,
                    password=self.password,
                    use_tls=self.has_tls,
                    start_tls=self.start_tls,
                    # Its default asks the DNS, and the event loop would wait for it.
                    local_hostname=platform.node() or "localhost",
                    timeout=SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            is_final = all(code in {550, 551, 553} for code in codes)
            return NotTaken(f"recipient refused {codes[0] if codes else ''}".strip(), is_final=is_final)
        except aiosmtplib.SMTPResponseException as error:
            return NotTaken(f"{type(error).__name__} {error.code}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return NotTaken(type(error).__name__)
        return None

    @property
    def start_tls(self) -> bool | None:
        """Never, always, or where the server offers it. A password goes to another machine by TLS or not at all."""
        if self.has_tls:
            return False
        return True if self.password and not _is_here(self.host) else None


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
