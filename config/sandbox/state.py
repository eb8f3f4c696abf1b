"""All that the sandbox knows, in memory, in one place that is handed to its parts."""

from collections.abc import Mapping

from msgspec import Struct, to_builtins

from config.sandbox.control import understand
from config.sandbox.imports import Imports
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
    batches: Switch
    reject_statements: list[str]
    max_body: int
    max_batch: int | None
    lenient: bool
    clients: dict[str, str]
    refresh_tokens: dict[str, str]
    token_lifetime: float
    expires_in: ExpiresIn
    import_key: str
    refuse_batches: list[int]
    counts: Counts


class Sandbox:
    """One rehearsal ground: LRS, token endpoint, mailbox, LearningBuilder and their switches."""

    def __init__(
        self,
        clock: Clock,
        *,
        keep_bodies: int = 100_000,
        keep_log: int = 1_000,
        keep_mails: int = 500,
        keep_batch_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self.clock = clock
        self.lrs = Lrs(keep_bodies)
        self.oauth = Oauth(clock)
        self.log = RequestLog(keep_log)
        self.statements = Breaker()
        self.token = Breaker()
        self.mail = Breaker()
        self.batches = Breaker()
        self.mailbox = Mailbox(clock, self.mail, keep=keep_mails)
        self.imports = Imports(clock, keep_bytes=keep_batch_bytes)

    def change(self, wishes: Mapping[str, object], *, from_form: bool = False) -> None:
        """Turn the switches that are named; all or nothing. Raises BadControl."""
        change = understand(wishes, from_form=from_form)
        if change.reset:
            self.forget()
        change.turn(self._breakers(), lrs=self.lrs, oauth=self.oauth, imports=self.imports)

    def forget(self) -> None:
        """Go back to how the sandbox started."""
        for part in (self.lrs, self.oauth, self.log, self.mailbox, self.imports):
            part.forget()
        for breaker in self._breakers().values():
            breaker.mend()

    def counts(self) -> Counts:
        return Counts(self.lrs.received, self.lrs.held, self.lrs.attempts, self.oauth.issued)

    def state(self) -> State:
        """Return the switches as they stand now."""
        return State(
            statements=self.statements.switch,
            token=self.token.switch,
            mail=self.mail.switch,
            batches=self.batches.switch,
            reject_statements=sorted(self.lrs.reject),
            max_body=self.lrs.body_limit,
            max_batch=self.lrs.max_batch,
            lenient=self.lrs.lenient,
            clients=self.oauth.clients,
            refresh_tokens=self.oauth.refresh_tokens,
            token_lifetime=self.oauth.lifetime.total_seconds(),
            expires_in=self.oauth.expires_in,
            import_key=self.imports.api_key,
            refuse_batches=sorted(self.imports.refuse),
            counts=self.counts(),
        )

    def spoken(self) -> dict[str, object]:
        """Return the state as plain JSON values."""
        plain: dict[str, object] = to_builtins(self.state())
        return plain

    def _breakers(self) -> dict[str, Breaker]:
        return {
            "statements": self.statements,
            "token": self.token,
            "mail": self.mail,
            "batches": self.batches,
        }
