"""What must not happen in hub, or what somebody asked for and cannot have.

    HubError
    ├── RegistryUnavailable     SQL cannot be reached, or does not answer in time
    ├── RegistryTooNew          the tables were made by a later version of this product
    ├── BadDatabaseUrl          the setting names no database we can use
    ├── BadSecretKeys           the setting holds no usable encryption keys
    ├── UnknownSecretKey        a secret was sealed with a key that is not among ours
    ├── SealBroken              a sealed secret was altered, or belongs to another row
    ├── UnstorableValue         a value that the database cannot hold
    ├── BadCursor               a cursor that no list of ours has given out
    ├── BadProgramId            not 1 to 25 of A-Z, a-z, 0-9, _ and .
    ├── BadUserId               a user id that cannot travel in Basic authentication
    ├── UnknownProgram          no program has this id
    ├── UnknownProvider         no provider has this id
    ├── UnknownKey              no API key has this id
    ├── ProgramExists           another program has this id
    ├── ProviderExists          another provider has this id
    ├── IntegrationExists       the program is already connected to this provider
    ├── ProviderInUse           integrations still point at this provider
    ├── EventExists             an event has this id
    ├── UnknownEvent            no event has this id
    ├── SubscriptionExists      the program is subscribed to this publisher
    ├── UnknownSubscription     the program is not subscribed to this publisher
    ├── UnknownConversion       the program's events are not made into completions
    ├── SyncRunning             the program is being synced
    ├── NoLearningBuilder       the program does not say where its LearningBuilder is
    ├── LeaseLost               another has the right by now, or it lapsed
    ├── UnknownSource           no source has this id
    ├── SourceInUse             other sources look up in this one
    ├── UnknownFile             no file of a source has this id
    ├── RepeatedSignature       a webhook with a signature that was used before
    ├── LandingUnavailable      raw bytes cannot be kept, or not be read
    ├── NotLanded               the landing store has nothing under this key
    ├── TooLarge                a file with more bytes than are taken
    └── RevisionMismatch        somebody else changed it first

An integration that is not there is delivery's `UnknownIntegration`; a secret that cannot be opened
is delivery's `SealBroken` too, for the vault is its sealer.
"""

from collections.abc import Sequence

from delivery.facts.errors import SealBroken as CannotOpen


class HubError(Exception):
    """The root of all errors of this package."""


class RegistryUnavailable(HubError):
    """SQL cannot be reached, or does not answer in time; a write may or may not have arrived."""


class RegistryTooNew(HubError):
    """The tables were made by a later version of this product; it would not understand them."""


class BadDatabaseUrl(HubError):
    """The setting names no database we can use."""


class BadSecretKeys(HubError):
    """The setting holds no usable encryption keys."""


class UnknownSecretKey(HubError, CannotOpen):
    """A secret was sealed with a key that is not among ours."""


class SealBroken(HubError, CannotOpen):
    """A sealed secret was altered, or belongs to another row."""


class UnstorableValue(HubError):
    """A value that the database cannot hold: too long, or with a NUL in it."""


class BadCursor(HubError):
    """A cursor that no list of ours has given out."""


class BadProgramId(HubError):
    """A program id is 1 to 25 of A-Z, a-z, 0-9, _ and full stop."""


class BadUserId(HubError):
    """A user id that cannot travel in Basic authentication: empty, too long, or with a colon."""


class UnknownProgram(HubError):
    """No program has this id."""


class UnknownProvider(HubError):
    """No provider has this id."""


class UnknownKey(HubError):
    """No API key has this id."""


class ProgramExists(HubError):
    """Another program has this id."""


class ProviderExists(HubError):
    """Another provider has this id."""


class IntegrationExists(HubError):
    """The program is already connected to this provider."""


class ProviderInUse(HubError):
    """Integrations still point at this provider."""


class EventExists(HubError):
    """Events have these ids; `places` tells which of those that were handed in."""

    def __init__(self, event_ids: Sequence[str], places: Sequence[int]) -> None:
        super().__init__(f"{', '.join(event_ids[:3])}{' ...' if event_ids[3:] else ''} exists")
        self.event_ids = tuple(event_ids)
        self.places = tuple(places)


class UnknownEvent(HubError):
    """No event has this id."""


class SubscriptionExists(HubError):
    """The program is subscribed to this publisher."""


class UnknownSubscription(HubError):
    """The program is not subscribed to this publisher."""


class UnknownConversion(HubError):
    """The program's events are not made into completions."""


class SyncRunning(HubError):
    """The program is being synced; one run at a time."""


class NoLearningBuilder(HubError):
    """The program does not say where its LearningBuilder is, or has no key for it."""


class LeaseLost(HubError):
    """Another has the right by now, or it lapsed; what depended on it was not written."""


class UnknownSource(HubError):
    """No source has this id."""


class SourceInUse(HubError):
    """Other sources look up in this one."""


class UnknownFile(HubError):
    """No file of this source has this id."""


class NotTogether(HubError):
    """Of several files, one is there already or cannot be written down; so none was."""


class RepeatedSignature(HubError):
    """A webhook came again with a signature that was used before; nothing was taken."""


class LandingUnavailable(HubError):
    """Raw bytes cannot be kept, or not be read, where they are to be."""


class NotLanded(HubError):
    """The landing store has nothing under this key: it was removed, or never came."""


class TooLarge(HubError):
    """A file with more bytes than are taken."""


class RevisionMismatch(HubError):
    """Somebody else changed it first; `revision` is what it is now."""

    def __init__(self, subject: str, *, expected: int, revision: int) -> None:
        super().__init__(f"{subject} is at revision {revision}, not {expected}")
        self.revision = revision
