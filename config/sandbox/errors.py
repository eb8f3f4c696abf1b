"""What the sandbox says no with; each is translated into an answer at the door.

SandboxError
├── BadControl      a change of the switches that makes no sense; nothing was changed
├── CannotListen    an address is taken, or not ours
├── RefusedBatch    the LearningBuilder says no
├── RefusedRequest  the LRS says no, with the status that xAPI asks for
└── RefusedGrant    the token endpoint says no, in the words of RFC 6749, 5.2
"""


class SandboxError(Exception):
    """The root of all errors of the sandbox."""


class BadControl(SandboxError):
    """A change of the switches that makes no sense; nothing was changed."""


class CannotListen(SandboxError):
    """An address is taken, or not ours."""


class RefusedBatch(SandboxError):
    """The LearningBuilder says no; no row of the batch was taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RefusedRequest(SandboxError):
    """The LRS says no, with the status that xAPI asks for; nothing was stored."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RefusedGrant(SandboxError):
    """The token endpoint says no, in the words of RFC 6749, 5.2."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description
