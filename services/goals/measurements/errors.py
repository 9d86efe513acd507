"""What can be wrong with a measurement."""

from collections.abc import Mapping

from shared.errors import InvalidInput, NotFound, RuleBroken, ServiceError


class MeasurementInvalid(InvalidInput):
    """The value does not fit the indicator; each field says what would."""

    code = "measurement_invalid"
    title = "The measurement cannot be accepted"


class NotARatio(RuleBroken):
    """A score feeds an indicator that is not a ratio, so its sum and count have no place."""

    code = "not_a_ratio"
    title = "The indicator is not a ratio"


class UnknownMeasurement(NotFound):
    """There is no such measurement, or its unit lies outside the caller's units."""

    code = "unknown_measurement"
    title = "No such measurement"


class NothingRecorded(InvalidInput):
    """Some of the numbers that were entered together cannot be recorded, so none of them was."""

    code = "nothing_recorded"
    title = "Nothing was recorded"

    def __init__(self, reasons: Mapping[str, ServiceError]) -> None:
        super().__init__("None of the numbers was recorded, because some cannot be.")
        self.reasons = reasons
        """Why not, by the code of the indicator."""
