"""The fields of a form: what was typed into them, and facts as they hold them. Pure."""

from collections.abc import Mapping

MOST_DIGITS = 18


def utc(written: str) -> str:
    """Read the moment of a field: browsers send it without a zone, and the page says UTC."""
    return f"{written}Z" if written and not written.endswith("Z") else written


def whole_number(written: str) -> int | str:
    """Read a number; what is none is handed on, for the API to say so beside its field."""
    is_number = written.isdecimal() and len(written) <= MOST_DIGITS
    return int(written) if is_number else written


def etag_of(form: Mapping[str, str]) -> str:
    """Give the ETag of what a form was filled with; empty if it is new."""
    revision = form.get("revision", "")
    return f'"{revision}"' if revision else ""


def texts(facts: Mapping[str, object]) -> dict[str, str]:
    """Write facts as the fields of a form hold them."""
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in facts.items()
        if value is not None
    }
