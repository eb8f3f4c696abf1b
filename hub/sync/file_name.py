"""What a batch is called in LearningBuilder's "Recent Imports".

The same events of the same publisher for the same import process have the same name, whenever they
are posted: so a person can see there that a batch came twice.
"""

from datetime import UTC, datetime


def file_name(
    program_id: str, publisher: str, import_process_id: str, *, first: datetime, last: datetime
) -> str:
    """Name a batch by who it is of and for, and the moments of its first and last event."""
    window = f"{_written(first)} to {_written(last)} UTC"
    return f"{program_id} from {publisher}, process {import_process_id}, {window}"


def _written(moment: datetime) -> str:
    # No colons: some take a file name for the name of a file.
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H.%M.%S.%f")
