"""What every test may use, and the one thing no test may do: talk to anybody but this machine."""

import sys
from ipaddress import ip_address

pytest_plugins = ["tests.fakes.valkey", "tests.fakes.databases"]


class OutsideTouched(RuntimeError):
    """A test tried to reach another machine."""


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return
    match arguments:
        case (_, (str(host), *_)) if not _is_loopback(host):
            raise OutsideTouched(f"{event} to {host}: tests reach loopback only")
        case _:
            return


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("", "localhost")


# An audit hook sees every socket of this process, whichever library opened it through Python.
sys.addaudithook(_refuse_outside)


def pytest_make_parametrize_id(config: object, val: object, argname: str) -> str | None:
    """Name bytes that are no text by their place: what is packed carries the time.

    Processes that run tests side by side must find the same names.
    """
    return argname if isinstance(val, bytes) and not val.isascii() else None
