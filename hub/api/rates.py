"""How often somebody may have something done, in this process."""

from collections import OrderedDict
from datetime import datetime, timedelta
from math import ceil

from hub.api.errors import TooOften


class Rates:
    """Buckets that fill with the time, one for each who asks; `what` is what is asked for."""

    most = 10_000

    def __init__(self, what: str) -> None:
        self._what = what
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(
        self, who: str, now: datetime, *, per_second: float, burst: float | None = None
    ) -> None:
        """Take one. Raises TooOften when none is left; without `burst`, two seconds' worth are."""
        seconds, most = now.timestamp(), 2 * per_second if burst is None else burst
        left, at = self._left.pop(who, (most, seconds))
        left = min(most, left + max(0.0, seconds - at) * per_second)
        self._left[who] = (left - 1 if left >= 1 else left, seconds)
        while len(self._left) > self.most:
            self._left.popitem(last=False)
        if left < 1:
            pause = timedelta(seconds=ceil((1 - left) / per_second))
            raise TooOften(f"too many {self._what}: {_told(per_second)}", pause)


def _told(per_second: float) -> str:
    if per_second >= 1:
        return f"at most {per_second:g} a second are taken here"
    return f"one in {1 / per_second:g} seconds is taken here"
