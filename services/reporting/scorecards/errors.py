"""What can go wrong when a scorecard is asked for."""

from shared.errors import FieldError, InvalidInput, NotFound


class IndicatorNotFound(NotFound):
    """No indicator that the reader may see has this id or code."""

    code = "indicator_not_found"
    title = "No such indicator"


class FilterNotUnderstood(InvalidInput):
    """A filter of the request does not fit."""

    def __init__(self, where: str, sent: str, accepted: str) -> None:
        super().__init__(
            f"The filter «{where}» cannot be read.", [FieldError(where=f"query {where}", sent=sent, accepted=accepted)]
        )


class PeriodNotUnderstood(FilterNotUnderstood):
    """A period is not written in one of the forms that are read."""

    def __init__(self, sent: str, where: str = "period") -> None:
        super().__init__(
            where, sent, "a month (2019-03), a day (2019-03-01), record, or a frequency with a day (year:2018-04-01)"
        )
