"""All that the sandbox knows, in memory, in one place that is handed to its parts."""

from collections.abc import Mapping

from msgspec import Struct, to_builtins

from config.sandbox.control import understand
from config.sandbox.lrs import Lrs
from config.sandbox.mails import Mailbox
from config.sandbox.moments import Clock
from config.sandbox.oauth import ExpiresIn, Oauth
from config.sandbox.request_log import RequestLog
from config.sandbox.switch import Breaker, Switch


class Counts(Struct, frozen=True):
    """The numbers that tests and demos ask for again and again."""

    received: int
    held: int
    attempts: int
    tokens: int


class State(Struct, rename="camel", frozen=True):
    """The state of the switches, in the words in which they are changed."""

    statements: Switch
    token: Switch
    mail: Switch
    reject_statements: list[str]
    max_body: int
    max_batch: int | None
    lenient: bool
    clients: dict[str, str]
    refresh_tokens: dict[str, str]
    token_lifetime: float
    expires_in: ExpiresIn
    counts: Counts


class Sandbox:
    """One rehearsal ground: its LRS, its token endpoint, its mailbox and its switches."""

    def __init__(
        self,
        clock: Clock,
        *,
        keep_bodies: int = 100_000,
        keep_log: int = 1_000,
        keep_mails: int = 500,
    ) -> None:
        self.clock = clock
        self.lrs = Lrs(keep_bodies)
        self.oauth = Oauth(clock)
        self.log = RequestLog(keep_log)
        self.statements = Breaker()
        self.token = Breaker()
        self.mail = Breaker()
        self.mailbox = Mailbox(clock, self.mail, keep=keep_mails)

    def change(self, wishes: Mapping[str, object], *, from_form: bool = False) -> None:
        """Turn the switches that are named; all or nothing. Raises BadControl."""
        change = understand(wishes, from_form=from_form)
        if change.reset:
            self.forget()
        change.turn(
            {"statements": self.statements, "token": self.token, "mail": self.mail},
            lrs=self.lrs,
            oauth=self.oauth,
        )

    def forget(self) -> None:
        """Go back to how the sandbox started."""
        for part in (self.lrs, self.oauth, self.log, self.mailbox):
            part.forget()
        for breaker in (self.statements, self.token, self.mail):
            breaker.mend()

    def counts(self) -> Counts:
        return Counts(self.lrs.received, self.lrs.held, self.lrs.attempts, self.oauth.issued)

    def state(self) -> State:
        """Return the switches as they stand now."""
        return State(
            statements=self.statements.switch,
            token=self.token.switch,
            mail=self.mail.switch,
            reject_statements=sorted(self.lrs.reject),
            max_body=self.lrs.body_limit,
            max_batch=self.lrs.max_batch,
            lenient=self.lrs.lenient,
            clients=self.oauth.clients,
            refresh_tokens=self.oauth.refresh_tokens,
            token_lifetime=self.oauth.lifetime.total_seconds(),
            expires_in=self.oauth.expires_in,
            counts=self.counts(),
        )

    def spoken(self) -> dict[str, object]:
        """Return the state as plain JSON values."""
        plain: dict[str, object] = to_builtins(self.state())
        return plain
