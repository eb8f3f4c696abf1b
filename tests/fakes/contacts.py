"""Technical contacts with a mailbox in memory, and a mail server that can be away."""

from email.message import EmailMessage

from delivery.errors import MailUnavailable


class FakeContacts:
    """Takes mails; while `away`, refuses them as a mail server does that cannot be reached."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.away = False
        self.tries = 0

    async def send(self, letter: EmailMessage) -> None:
        """Take a mail."""
        self.tries += 1
        if self.away:
            raise MailUnavailable("the mail server is away")
        self.letters.append(letter)
