"""Guessing keys: what slows it down, without shutting out those who have one."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network


class Guesses:
    """Slows down whoever tries keys: after a few failures each further one is waited for.

    In this process only: by address, and, when very many fail from everywhere, for all addresses
    from which nobody has signed in lately. `wait` says how long; nothing is slept here.
    """

    free, most = 5, 10_000
    longest = timedelta(minutes=15)
    crowd, crowd_within = 300, timedelta(minutes=1)
    trusted_for = timedelta(hours=24)

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, datetime]] = {}
        self._welcome: dict[str, datetime] = {}
        self._latest: deque[datetime] = deque(maxlen=self.crowd)

    def wait(self, address: str) -> timedelta:
        """Say how long this address has to wait before it may try again."""
        now, origin = self._clock(), origin_of(address)
        return max(self._for_itself(origin, now), self._for_all(origin, now), timedelta())

    def note(self, address: str, *, succeeded: bool) -> None:
        """Take note of how a try ended."""
        now, origin = self._clock(), origin_of(address)
        count, _ = self._failed.pop(origin, (0, now))
        if succeeded:
            self._welcome.pop(origin, None)
            self._welcome[origin] = now
        else:
            self._failed[origin] = count + 1, now
            self._latest.append(now)
        for known in (self._failed, self._welcome):
            while len(known) > self.most:
                del known[next(iter(known))]

    def _for_itself(self, origin: str, now: datetime) -> timedelta:
        count, at = self._failed.get(origin, (0, now))
        if count < self.free:
            return timedelta()
        pause = min(timedelta(seconds=2 ** min(count - self.free, 20)), self.longest)
        return at + pause - now

    def _for_all(self, origin: str, now: datetime) -> timedelta:
        welcome = self._welcome.get(origin)
        if len(self._latest) < self.crowd or (welcome and now - welcome <= self.trusted_for):
            return timedelta()
        return self._latest[0] + self.crowd_within - now


def origin_of(address: str) -> str:
    """Give what counts as one address: of IPv6, the network that one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
