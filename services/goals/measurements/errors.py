"""What can be wrong with a measurement."""

from shared.errors import InvalidInput, RuleBroken


class MeasurementInvalid(InvalidInput):
    """The value does not fit the indicator; each field says what would."""

    code = "measurement_invalid"
    title = "The measurement cannot be accepted"


class NotARatio(RuleBroken):
    """A score feeds an indicator that is not a ratio, so its sum and count have no place."""

    code = "not_a_ratio"
    title = "The indicator is not a ratio"
