"""What the mill is asked, and what it answers. The mill is a child process; this is its language.

Everything that reads foreign bytes or runs foreign recipes happens there: a hostile file, or a
recipe that never ends, costs its own records and no worker.
"""

from datetime import datetime

import msgspec

from hub.recipes.origin import Origin
from hub.records.cutting import Cuts
from hub.records.format import Format, Hints
from hub.xapi.rules import ActorId, ObjectId, Rules

MOST_RECORDS = 1 << 20
"""More than any part can hold."""


class Target(msgspec.Struct, frozen=True):
    """An integration that statements are made for, and the rules of its provider."""

    integration_id: str
    actor_id: ActorId = ActorId.EMAIL
    object_id: ObjectId = ObjectId.URI
    account_home_page: str | None = None
    object_id_template: str | None = None
    verbs: tuple[str, ...] = ()
    xapi_version: str = "1.0.3"

    @property
    def rules(self) -> Rules:
        """The rules."""
        return Rules(
            self.actor_id,
            self.object_id,
            self.account_home_page,
            self.object_id_template,
            self.verbs,
            self.xapi_version,
        )


class TableFile(msgspec.Struct, frozen=True):
    """A table to look up in: a file of ours, and the field that is its key."""

    path: str
    hints: Hints
    key: str


class Piece(msgspec.Struct, frozen=True):
    """A part of a landed file, to be made into statements."""

    content: bytes
    form: Format
    line: int
    landed_at: datetime
    headers: dict[str, str] = {}
    first: int = 0
    end: int = MOST_RECORDS
    """Which records of the part: from `first`, up to `end` and without it."""
    untried: str = ""
    """Why no recipe is to see them; they fail for this reason."""


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Asks what a file is."""

    sample: bytes
    hints: Hints
    whole: bool


class CutUp(msgspec.Struct, frozen=True, tag="cut"):
    """Asks where a file can be cut."""

    content: bytes
    form: Format
    line: int
    at_end: bool


class Cooking(msgspec.Struct, frozen=True):
    """By which recipe, and with what beside it."""

    source: str
    recipe: str
    options: dict[str, object] = {}
    identity: tuple[str, ...] = ()
    tables: dict[str, TableFile] = {}


class Grind(msgspec.Struct, frozen=True, tag="grind"):
    """Make statements of these."""

    pieces: list[Piece]
    cooking: Cooking
    targets: list[Target]


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Asks whether there is a recipe, and whether it can be used with these options."""

    recipe: str
    options: dict[str, object] = {}


class ListRecipes(msgspec.Struct, frozen=True, tag="list"):
    """Asks which recipes there are."""


class ReadOrigin(msgspec.Struct, frozen=True, tag="read"):
    """Asks to read recipes; or to leave them unread, because of what `refused` says."""

    origin: Origin
    refused: str | None = None


Asked = Look | CutUp | Grind | Check | ListRecipes | ReadOrigin


class Bad(msgspec.Struct, frozen=True, tag="bad"):
    """What was asked cannot be answered, because of the file or the recipe."""

    reason: str
    line: int | None = None
    pointer: str = ""


class Fault(msgspec.Struct, frozen=True):
    """A record that makes no statement."""

    line: int
    field: str
    reason: str


class Made(msgspec.Struct, frozen=True):
    """A statement, for one target. `record` counts the records of its piece, from 0."""

    id: str
    body: bytes
    digest: str
    line: int
    record: int


class Ground(msgspec.Struct):
    """What became of one piece. `made` has a list for each target.

    Of each of the `rows` something is made for a target at least, or it is skipped, or it failed.
    """

    made: list[list[Made]]
    rows: int = 0
    skipped: int = 0
    failed: int = 0
    faults: list[Fault] = []
    """The first of them."""
    skips: dict[str, int] = {}
    """Why records were skipped, and how often; also by some of the targets only."""
    broken: Bad | None = None
    """Why the rest of the piece could not be read."""


class RecipeFact(msgspec.Struct, frozen=True):
    """A recipe that there is."""

    name: str
    about: str
    details: str = ""


class Recipes(msgspec.Struct, frozen=True, tag="recipes"):
    """All recipes, and what could not be read."""

    recipes: list[RecipeFact]
    faults: dict[str, str]


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """What a file is."""

    form: Format


class CutAnswer(msgspec.Struct, frozen=True, tag="cuts"):
    """Where it can be cut."""

    cuts: Cuts


class GroundAnswer(msgspec.Struct, frozen=True, tag="ground"):
    """What became of each piece. `is_spoilt`: the recipe has changed the process around it."""

    pieces: list[Ground]
    is_spoilt: bool = False


class Fine(msgspec.Struct, frozen=True, tag="fine"):
    """The recipe can be used; or what was to be read is read."""


class Spoilt(msgspec.Struct, frozen=True, tag="spoilt"):
    """What was read has done something to the process that others would suffer from."""

    reason: str


class Unread(msgspec.Struct, frozen=True, tag="unread"):
    """There are recipes that have to be read first; `has_changed`: and others that are no more."""

    origins: list[Origin]
    has_changed: bool


Answer = Bad | Recipes | Looked | CutAnswer | GroundAnswer | Fine | Spoilt | Unread
"""Written as MessagePack, for bytes are bytes there."""
