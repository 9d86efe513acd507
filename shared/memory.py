"""How often a long-lived process looks for garbage."""

import gc


def spare_what_stays() -> None:
    """Take everything that will live as long as the process out of the collector's sight, and let it look less often.

    To be called once the process has started. A batch of a thousand events is tens of thousands of objects: at the
    usual thresholds the collector walked over all of them again and again while they were read and applied, which
    took more than half of a consumer's time, and two thirds of that of the slowest requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
