"""The e-mails: every one that AURORA sends, word by word. To send another, add it here and to its table's check.

None repeats what a stranger could have typed: whoever gives an address that is not theirs must not speak through us.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final, Literal
from uuid import UUID

from aurora import clock
from aurora.errors import AuroraError
from serving.emails.links import LIFETIMES, Purpose
from serving.paths import CONFIRM_PAGE, RESET_PAGE

Kind = Literal["verify", "reset", "email_change", "password_changed", "account_deleted"]


@dataclass(frozen=True)
class EmailText:
    """One e-mail. `{link}` and `{holds}` are filled in where it has a link, `{site}` everywhere."""

    subject: str
    body: str
    purpose: Purpose | None = None
    """What its link is good for."""
    page: str = ""
    """Where its link leads."""


EMAIL_TEXTS: Final[dict[Kind, EmailText]] = {
    "verify": EmailText(
        "Confirm your e-mail address",
        """Somebody, most likely you, gave this address to an account of AURORA_LIFE.

Open this link to confirm that it is yours:

    {link}

It holds for {holds} and works once.

If it was not you, do nothing: without your confirmation the address is not used.
""",
        purpose="verify",
        page=CONFIRM_PAGE,
    ),
    "reset": EmailText(
        "Choose a new password",
        """Somebody, most likely you, asked for a new password of the account of AURORA_LIFE with this address.

Open this link to choose one:

    {link}

It holds for {holds} and works once. All logins that are open will be closed.

If it was not you, do nothing: your password stays as it is. Nobody can use the link who does not read your mail.
""",
        purpose="reset",
        page=RESET_PAGE,
    ),
    "email_change": EmailText(
        "Your account is to get another e-mail address",
        """Somebody, most likely you, asked that your account of AURORA_LIFE gets another e-mail address.

Until the new address is confirmed, this one stays in use.

If it was not you, somebody knows your password: choose a new one now, at

    {site}{reset_page}
""",
    ),
    "password_changed": EmailText(
        "Your password was changed",
        """The password of your account of AURORA_LIFE was changed, and the other logins were closed.

If it was not you, choose a new one now, at

    {site}{reset_page}
""",
    ),
    "account_deleted": EmailText(
        "Your account was deleted",
        """Your account of AURORA_LIFE was deleted: nobody can log in any more, and your data will be erased.

If it was not you, write to whoever runs AURORA_LIFE for you at once: until the erasure is done the account can be
brought back. It is the one at

    {site}
""",
    ),
}


class SenderInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__("AURORA_MAIL_FROM is no sender: write `Aurora <no-reply@example.org>`")


@dataclass(frozen=True)
class Letterhead:
    """From whom e-mails come, and where their links lead; SenderInvalidError when it is nobody."""

    mail_from: str
    public_url: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(self.mail_from)[1]):
            raise SenderInvalidError

    def message(self, kind: Kind, email_id: UUID, recipient: str, token: str | None) -> EmailMessage:
        """The e-mail as a server takes it.

        Its Message-ID is the row's: one that is sent twice, because nobody knows whether it went out, is recognised.
        The token stands behind the `#`, which browsers keep to themselves: no server on the way writes it down.
        """
        text = EMAIL_TEXTS[kind]
        name, address = parseaddr(self.mail_from)
        site = self.public_url.rstrip("/")
        message = EmailMessage()
        message["Subject"] = text.subject
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=recipient)
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{email_id}@{address.rpartition('@')[2]}>"
        # No out-of-office replies, please (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            text.body.format(
                link=f"{site}{text.page}#{token}",
                holds=_in_words(LIFETIMES[text.purpose]) if text.purpose else "",
                site=site,
                reset_page=RESET_PAGE,
            ),
            # Lines as they are: a link that was wrapped is not one.
            cte="8bit",
        )
        return message


def _in_words(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return "an hour" if hours == 1 else f"{hours} hours"
