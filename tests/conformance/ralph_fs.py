"""Runs ralph on its file store; executed in ralph's own environment, never imported by a test.

Argument: the number of a listening socket. Settings come from the environment, as ralph reads them.
"""

import sys

import uvicorn
from ralph.backends.data.base import (  # type: ignore[import-not-found]  # in .venv-ralph
    BaseOperationType,
)
from ralph.backends.lrs.fs import FSLRSBackend  # type: ignore[import-not-found]  # in .venv-ralph

# Without this the file store takes one write and answers 500 to the next.
FSLRSBackend.default_operation_type = BaseOperationType.APPEND

if __name__ == "__main__":
    uvicorn.run("ralph.api:app", fd=int(sys.argv[1]), log_level="warning")
