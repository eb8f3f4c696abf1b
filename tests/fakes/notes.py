"""What a program's contacts are to be told of its syncs."""

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Keeps the notes, by what they are about."""

    kept: dict[str, str] = field(default_factory=dict)

    async def note(self, program_id: str, about: str, words: str) -> None:
        self.kept[about] = words

    async def withdraw(self, program_id: str, about: str) -> None:
        self.kept.pop(about, None)
