"""Every key of delivery in Redis, in one place.

For one integration, `{id}` in braces so that they share a slot:

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:queue` | stream | statements in the order they were accepted | until delivered |
| `hub:{id}:front` | stream | released or replayed ones, before the queue | until delivered |
| `hub:{id}:back` | stream | replayed ones, behind the queue | until delivered |
| `hub:{id}:parked` | stream | refused one by one | until released or discarded |
| `hub:{id}:state` | hash | status, version, fence, see `status_store` | the integration's |
| `hub:{id}:lease` | string | the fencing token of whoever drains | LEASE, renewed |
| `hub:{id}:tries` | hash | statement id -> failed attempts and the last answer | until delivered |
| `hub:{id}:receipt:<sid>` | string | what became of a statement | HUB_RECEIPT_DAYS |
| `hub:{id}:ended` | stream | what was delivered or discarded, see `archive` | HUB_ARCHIVE_DAYS |
| `hub:{id}:archive` | stream | the same, older and packed | HUB_ARCHIVE_DAYS |
| `hub:{id}:operations` | zset | operation id, score = when it began, in ms | the newest 200 |
| `hub:{id}:operation:<oid>` | hash | one operation, see `operations` | 30 days after its end |
| `hub:{id}:journal` | stream | attempts, newest last, bounded | the integration's |
| `hub:{id}:minutes` | hash | minute -> its counts, see `tallies` | an hour |
| `hub:{id}:hours` | hash | hour -> its counts | a week |
| `hub:{id}:quarters` | hash | quarter of a day -> its counts | 30 days |
| `hub:{id}:changes` | stream | changes of its status, see `history`, bounded | the integration's |
| `hub:{id}:mails` | list | alerts that were sent, newest first, bounded | the integration's |
| `hub:{id}:mail_lease` | string | who is sending the alert now | two minutes |
| `hub:{id}:token` | string | the access token, sealed, see `oauth` | the token's own |
| `hub:{id}:fetch` | string | who is fetching a token now | ten seconds, renewed |
| `hub:{id}:rotated` | string | a refresh token SQL could not take, sealed | 30 days |

For all of them together:

| key | type | content | lifetime |
|---|---|---|---|
| `hub:due` | zset | integration id, score = when it wants attention, in ms | for ever |
| `hub:mail` | zset | integration id, score = when its alert is to be sent | for ever |
| `hub:integrations` | set | ids that delivery knows | for ever |
| `hub:beats` | zset | worker process, score = its last beat, in ms | pruned after a day |
| `hub:workers` | hash | worker process -> its sign, see `vital_signs` | pruned with its beat |
| `hub:sweep` | string | who sweeps this minute | a minute |
| `hub:operations` | zset | integration and operation, score = when it goes on | until it ends |
| `hub:packing` | string | who packs archives this minute | a minute |
| `hub:sampling` | string | who has written this minute's queues down | the rest of the minute |
| `hub:meters` | hash | counters of all processes, added up | for ever |
"""

from dataclasses import dataclass

from delivery.facts.integration import IntegrationId

DUE = "hub:due"
MAIL = "hub:mail"
INTEGRATIONS = "hub:integrations"
BEATS = "hub:beats"
WORKERS = "hub:workers"
SWEEP = "hub:sweep"
METERS = "hub:meters"
OPERATIONS = "hub:operations"
PACKING = "hub:packing"
SAMPLING = "hub:sampling"

LANES = ("front", "queue", "back")
"""The streams of what waits, in the order in which they are sent."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one integration."""

    integration_id: IntegrationId

    def _of(self, name: str) -> str:
        return f"hub:{{{self.integration_id}}}:{name}"

    @property
    def queue(self) -> str:
        return self._of("queue")

    @property
    def front(self) -> str:
        return self._of("front")

    @property
    def back(self) -> str:
        return self._of("back")

    def lane(self, name: str) -> str:
        """Give the stream of one lane."""
        return self._of(name)

    def lanes(self) -> tuple[str, ...]:
        """Give the streams of what waits, in the order of LANES."""
        return tuple(map(self.lane, LANES))

    @property
    def parked(self) -> str:
        return self._of("parked")

    @property
    def ended(self) -> str:
        return self._of("ended")

    @property
    def archive(self) -> str:
        return self._of("archive")

    @property
    def operations(self) -> str:
        return self._of("operations")

    @property
    def operation(self) -> str:
        """The prefix of all operations; an operation id follows."""
        return self._of("operation:")

    @property
    def state(self) -> str:
        return self._of("state")

    @property
    def lease(self) -> str:
        return self._of("lease")

    @property
    def tries(self) -> str:
        return self._of("tries")

    @property
    def receipts(self) -> str:
        """The prefix of all receipts; a statement id follows."""
        return self._of("receipt:")

    @property
    def journal(self) -> str:
        return self._of("journal")

    def steps(self, name: str) -> str:
        """Give the history in steps of one length."""
        return self._of(name)

    @property
    def minutes(self) -> str:
        return self._of("minutes")

    @property
    def hours(self) -> str:
        return self._of("hours")

    @property
    def quarters(self) -> str:
        return self._of("quarters")

    @property
    def changes(self) -> str:
        return self._of("changes")

    @property
    def mails(self) -> str:
        return self._of("mails")

    @property
    def mail_lease(self) -> str:
        return self._of("mail_lease")

    @property
    def token(self) -> str:
        return self._of("token")

    @property
    def fetch(self) -> str:
        return self._of("fetch")

    @property
    def rotated(self) -> str:
        return self._of("rotated")
