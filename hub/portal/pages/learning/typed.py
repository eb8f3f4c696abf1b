"""What was typed into text areas: to the letter, for places in it are told by line and column."""

from urllib.parse import parse_qsl

from hub.portal.forms import MOST_FIELDS


def typed(body: bytes) -> dict[str, str]:
    """Read the fields of a form as they were typed; browsers end lines with CR and LF."""
    pairs = parse_qsl(
        body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
    )
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
