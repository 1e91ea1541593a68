"""How an address is spelled: one way in which it is stored, compared and written to."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from aurora.events.ciphertext import address_hash


def normalised(address: str) -> str:
    """The one spelling in which an address is stored and compared; ValueError when mail cannot be sent to it."""
    try:
        parts = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        # Its own words repeat parts of the address.
        raise ValueError("this is no address that an e-mail can be sent to") from None
    return parts.ascii_email or parts.normalized


def hash_of_login(system_key: str, name: str) -> bytes:
    """The hash under which somebody would be found who logs in with this name, if it is a confirmed address."""
    try:
        return address_hash(system_key, normalised(name))
    except ValueError:
        return address_hash(system_key, name)
