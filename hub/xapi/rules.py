"""The rules of a provider: how its learners and courses are named, and which verbs it takes."""

from dataclasses import dataclass
from enum import StrEnum

COMPLETED = "completed"


class ActorId(StrEnum):
    """What identifies a learner at the provider."""

    EMAIL = "email"
    SSO = "sso"


class ObjectId(StrEnum):
    """What identifies a course at the provider."""

    URI = "uri"
    UUID = "uuid"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one provider wants a statement to look like.

    Some providers take an account without a home page, or a bare UUID as the id of a course,
    though xAPI forbids both. `account_home_page` and `object_id_template` (`urn:uuid:{id}`) mend
    such statements instead. `verbs` bounds completions only; a statement may have any verb.
    """

    actor_id: ActorId = ActorId.EMAIL
    object_id: ObjectId = ObjectId.URI
    account_home_page: str | None = None
    object_id_template: str | None = None
    verbs: tuple[str, ...] = (COMPLETED,)
    xapi_version: str = "1.0.3"

    @property
    def takes_bare_accounts(self) -> bool:
        return self.actor_id is ActorId.SSO or self.account_home_page is not None

    @property
    def takes_bare_uuids(self) -> bool:
        return self.object_id is ObjectId.UUID or self.object_id_template is not None

    def activity_id(self, uuid: str) -> str:
        """Return the id of the activity that stands for the course `uuid`."""
        return (self.object_id_template or "{id}").replace("{id}", uuid)
