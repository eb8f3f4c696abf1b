"""What must not happen while the house is wired together or run.

    ConfigError
    ├── BadSettings             the environment says something that cannot be meant
    ├── FolderInUse             another process runs on this data folder
    ├── FolderUnusable          the data folder was written by something this server cannot read
    ├── StoreAway               no Redis at the address the settings give
    ├── UnsafeStore             Redis would throw statements away
    ├── ProcessFailed           a child ended before it was ready
    ├── AddressInUse            something else listens where web should
    ├── BackupFailed            a backup cannot be taken, or restored
    ├── HubRefused              a hub that was asked over HTTP says no
    ├── HubAway                 there is no hub where `--url` says
    └── DemoFailed              the demo got an answer that it cannot go on with

Each is told to people in one line by the command line, so the text says what to do.
"""


class ConfigError(Exception):
    """The root of all errors of this package; its text is fit for a terminal."""


class BadSettings(ConfigError):
    """The environment says something that cannot be meant; every fault is named."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["These settings cannot be used:", *(f"  {f}" for f in faults)]))
        self.faults = tuple(faults)


class FolderInUse(ConfigError):
    """Another process runs on this data folder; two servers would write into one file."""


class FolderUnusable(ConfigError):
    """The data folder was written by something this server cannot read."""


class StoreAway(ConfigError):
    """No Redis at the address the settings give."""


class UnsafeStore(ConfigError):
    """Redis is set up so that it would throw statements away."""


class ProcessFailed(ConfigError):
    """A child ended, or stayed silent, before it was ready."""


class AddressInUse(ConfigError):
    """Something else listens where web should."""


class BackupFailed(ConfigError):
    """A backup cannot be taken or restored; nothing is left half done."""


class HubRefused(ConfigError):
    """A hub that was asked says no; the text has its own words."""


class HubAway(ConfigError):
    """There is no hub, or it does not answer, where `--url` says."""


class DemoFailed(ConfigError):
    """The demo got an answer that it cannot go on with."""
