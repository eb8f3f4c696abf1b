"""What is to become of each event of a subscription in this run. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hub.events.event import Event
from hub.registry.sql.moments import Moments
from hub.templates.template_map import ImportEntry, TemplateMap


class Fate(Enum):
    """What happens to an event that is not imported now."""

    SETTLED = "an earlier batch with it was accepted"
    IGNORED = "the templates ignore its category"
    HELD = "a batch before it, or with it, was not accepted"


@dataclass(slots=True)
class Fates:
    """Knows what was accepted before this run, what is held, and what the templates say."""

    templates: TemplateMap
    accepted: Moments
    repeated: set[datetime] = field(default_factory=set)
    """Events of doubtful batches that were accepted when they were posted again."""
    held: set[datetime] = field(default_factory=set)
    """Events of doubtful batches that are doubtful still."""
    doubtful: set[datetime] = field(default_factory=set)
    """Events of batches that may have been applied: whatever they go out with is a repeat."""
    closed: set[str] = field(default_factory=set)
    """Import processes that failed: nothing more goes there in this run, to keep the order."""
    ends_at: datetime | None = None
    """The event that a template failed on: nothing from it on is taken up in this run."""

    def of(self, event: Event) -> Fate | ImportEntry:
        """Tell what to do with an event."""
        moment = event.created_at
        if moment in self.repeated or moment in self.accepted:
            return Fate.SETTLED
        if moment in self.held:
            return Fate.HELD
        entry = self.entry_for(event)
        if entry is None:
            return Fate.IGNORED
        return Fate.HELD if entry.import_process_id in self.closed else entry

    def is_end(self, event: Event) -> bool:
        """Say whether the subscription's part ends before this event."""
        return self.ends_at is not None and event.created_at >= self.ends_at

    def entry_for(self, event: Event) -> ImportEntry | None:
        """Find the template for an event; None if its category is ignored."""
        category = event.content.category
        return self.templates.entry_for(category.value if category else None)

    def settles(self, moment: datetime) -> bool:
        """Say whether an event was accepted, before or in this run."""
        return moment in self.repeated or moment in self.accepted
