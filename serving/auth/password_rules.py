"""What a new password must be: long enough, short enough for bcrypt, and none of those that are guessed first.

Nothing is asked of the kinds of its characters. The most common ones are those of zxcvbn's list, which has 11,611
that are long enough (OWASP ASVS 5.0, 6.2.4, asks for 3,000). Its estimate of all others takes seconds for some, so it
is not asked.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from serving.auth.errors import PasswordUnacceptableError

MIN_LENGTH: Final = 8
MAX_BYTES: Final = 72
"""bcrypt reads no further."""

OUR_WORDS: Final = frozenset({"aurora", "auroralife", "login", "password", "secret", "welcome"})
"""With digits behind them, or alone, somebody tries them here first."""

_BETTER: Final = "take some words that do not belong together, or have a password manager make one"
_ENDING: Final = re.compile(r"[\W\d_]+$")
_BETWEEN: Final = re.compile(r"[\W_]+")


def check_password(password: str, *names: str | None) -> None:
    """PasswordUnacceptableError when a new password will not do for who has these names and addresses."""
    if len(password) < MIN_LENGTH:
        raise PasswordUnacceptableError(f"a password has at least {MIN_LENGTH} characters")
    if len(password.encode()) > MAX_BYTES:
        raise PasswordUnacceptableError(
            f"a password has at most {MAX_BYTES} bytes (bcrypt reads no further); "
            "letters beyond ASCII take 2 to 4"
        )
    if "\x00" in password:
        raise PasswordUnacceptableError("a password has no NUL characters")
    if len(set(password)) < 3 or password.lower() in _common_passwords() or _core(password) in OUR_WORDS:
        raise PasswordUnacceptableError(f"this password is one of those that are easy to guess: {_BETTER}")
    if any(_is_like(password, name) for name in names if name):
        raise PasswordNamesItsOwnerError


class PasswordNamesItsOwnerError(PasswordUnacceptableError):
    def __init__(self) -> None:
        super().__init__(f"a password is not your user name or your address: {_BETTER}")


def _is_like(password: str, name: str) -> bool:
    """Whether it is a name or address, or what is before its @, whatever digits and signs come after."""
    core = _core(password)
    spelled = {name, name.partition("@")[0]}
    return any(password.lower() == each.lower() or (core and core == _core(each)) for each in spelled)


def _core(text: str) -> str:
    """What is left of it without signs, and without the digits that it ends with."""
    return _BETWEEN.sub("", _ENDING.sub("", text.lower()))


@cache
def _common_passwords() -> frozenset[str]:
    # At the first use: a process that never checks a password is spared its 14 MB.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(password for password in FREQUENCY_LISTS["passwords"] if len(password) >= MIN_LENGTH)
