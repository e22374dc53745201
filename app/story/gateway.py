"""A mailbox that misbehaves when a story says so, person by person: the provider of a bad day, without a network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateways.mailbox import MailboxGateway
from gateways.ports import DeliveryFailed, InDoubt, Outgoing, Receipt

MANNERS = ("ok", "refuse", "reject", "lose", "hang")
"""``refuse``: not now (503). ``reject``: never, to this number. ``lose``: taken, and the answer lost.
``hang``: not taken, and no answer."""


class StoryGateway:
    """Keeps what it takes in the mailbox. ``manners`` says how it treats each address; without a word, well."""

    searchable = True

    def __init__(self, mailbox: MailboxGateway) -> None:
        self.name = "story"
        # No time passes on the database's clock while months pass on the story's.
        self.timeout = timedelta(0)
        self.search_delay = timedelta(0)
        self.manners: dict[str, str] = {}
        self._mailbox = mailbox

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        """Take it into the mailbox, or fail as the story wants it."""
        manner = self.manners.get(message.to, "ok")
        if manner == "refuse":
            raise DeliveryFailed("The provider answers 503.", permanent=False, status=503)
        if manner == "reject":
            raise DeliveryFailed("The provider does not know this number.", permanent=True, status=400)
        if manner == "hang":
            fence()
            raise InDoubt("The provider did not answer.")
        receipt = self._mailbox.send(message, fence=fence)
        if manner == "lose":
            raise InDoubt("The provider's answer was lost.")
        return receipt

    def find(self, tag: str) -> Receipt | None:
        """What the mailbox has under this tag."""
        return self._mailbox.find(tag)
