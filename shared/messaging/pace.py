"""How often to look: soon while there is work, rarely when there is none."""

import time

BUSY = 0.020
IDLE = 0.250
_STILL_BUSY = 1.0


class Pace:
    """How long to wait before the next look, from whether the last ones found something."""

    def __init__(self) -> None:
        self._worked_at = -_STILL_BUSY

    def after(self, worked: bool) -> float:
        """Seconds to wait: none after work, for a second longer the short wait, then the long one."""
        if worked:
            self._worked_at = time.monotonic()
            return 0.0
        return BUSY if time.monotonic() - self._worked_at < _STILL_BUSY else IDLE
