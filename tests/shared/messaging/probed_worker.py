"""A worker of goals, run as a process, whose event loop stands still for six seconds at SIGUSR1."""

import signal
import time

from services.goals.worker import main
from shared.messaging import pulse, worker

pulse.STUCK_AFTER = 4.0
worker.LONGEST_RESTART = 0.5

if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(6))
    main()
