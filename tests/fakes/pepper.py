"""A pepper that is known beforehand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FixedPepper:
    """Gives the same pepper at once."""

    value: bytes = b"p" * 32

    async def __call__(self) -> bytes:
        return self.value
