"""What a clock is: something that tells an aware moment in UTC."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
