"""What is written into the audit trail. The noun of an action says what its `subject_id` is the id of.

To have a new mutation audited, add an Action and `record` it in the transaction of the mutation. The docs, the API
and the test of every route that changes something read this list; nothing else lists actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Action:
    """One thing that can be done: `<noun>.<past participle>`, and a sentence for who reads what happened to them."""

    name: str
    means: str


ACTIONS: Final[dict[str, Action]] = {
    action.name: action
    for action in (
        Action("account.registered", "The account was made."),
        Action(
            "account.deleted",
            "The account was deleted: nobody can log in, and its data wait for their erasure.",
        ),
        Action("profile.changed", "The profile was changed."),
        Action("role.given", "A role, or a quota of requests, was given to the account."),
        Action("session.opened", "Somebody logged in with the password."),
        Action("session.closed", "A login was closed."),
        Action("sessions.closed", "Logins were closed: all of them, or all but the one that asked."),
        Action("access.withdrawn", "Every login was closed and every API key revoked."),
        Action(
            "refresh_token.reused",
            "A refresh token was used twice: it may be stolen, so its login was closed.",
        ),
        Action("password.changed", "The password was changed."),
        Action("password.reset", "The password was set anew, by a link that was sent by e-mail."),
        Action("email.wanted", "An e-mail address was named, and waits for its confirmation."),
        Action("email.confirmed", "An e-mail address was confirmed."),
        Action("email_link.requested", "Another link was sent to the address that waits."),
        Action("api_key.made", "An API key was made."),
        Action("api_key.revoked", "An API key was revoked."),
        Action("webhook.made", "A webhook was made."),
        Action("webhook.changed", "A webhook was changed, disabled or enabled."),
        Action("webhook.deleted", "A webhook was deleted."),
        Action("webhook_secret.replaced", "A webhook was given another secret."),
        Action("webhook_test.requested", "A test was sent to a webhook."),
        Action("webhook_delivery.retried", "A delivery was sent to its webhook once more."),
        Action("rejected_event.replayed", "A rejected event was judged anew."),
        Action("rejected_event.discarded", "A rejected event was discarded."),
        Action("feature_flag.changed", "A feature was switched on or off, for everybody or for some."),
        Action("feature_flag.reset", "A feature is on or off as by default again."),
        Action("announcement.made", "Everybody was told something."),
    )
}
