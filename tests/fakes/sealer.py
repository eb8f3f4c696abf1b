"""A sealer that only marks what it sealed, so that a test sees whether sealing took place."""


class PlainSealer:
    """Seals by prefix; opens only what was sealed for the same row."""

    def seal(self, plain: str, *, row: str) -> str:
        """Mark as sealed."""
        return f"sealed:{row}:{plain}"

    def open(self, sealed: str, *, row: str) -> str:
        """Take the mark away."""
        mark = f"sealed:{row}:"
        assert sealed.startswith(mark)
        return sealed.removeprefix(mark)
