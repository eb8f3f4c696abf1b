"""The address that web listens on."""

import socket

from config.errors import AddressInUse

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Take the address; raise AddressInUse if somebody else has it."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise AddressInUse(
            f"Cannot listen on {host} port {port}: {reason}. Set HUB_HOST or HUB_PORT."
        ) from None


def is_free(host: str, port: int) -> bool:
    """Say whether an address could be taken now."""
    try:
        listen(host, port).close()
    except AddressInUse:
        return False
    return True


def free_port(host: str) -> int:
    """Give a port that nobody listens on now."""
    with listen(host, 0) as found:
        port: int = found.getsockname()[1]
        return port
