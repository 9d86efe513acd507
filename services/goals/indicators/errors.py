"""What can go wrong with indicators and assignments."""

from shared.errors import Conflict, InvalidInput, NotFound


class UnknownIndicator(NotFound):
    """There is no such indicator."""

    code = "unknown_indicator"
    title = "No such indicator"


class UnknownAssignment(NotFound):
    """There is no such assignment, or its unit lies outside the caller's units."""

    code = "unknown_assignment"
    title = "No such assignment"


class AlreadyAssigned(Conflict):
    """The unit is expected to report the indicator on some of these days already."""

    code = "already_assigned"
    title = "Already assigned"


class AggregationDoesNotFit(InvalidInput):
    """Values of this kind cannot be added up by this rule."""

    code = "aggregation_does_not_fit"
    title = "The aggregation rule does not fit"
