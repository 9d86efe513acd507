"""What can be wrong with a target."""

from shared.errors import InvalidInput, NotFound, RuleBroken


class TargetAsksForNoIncrease(RuleBroken):
    """The target is not above its baseline."""

    code = "target_asks_for_no_increase"
    title = "The target asks for no increase"


class TargetAsksForNoDecrease(RuleBroken):
    """The target is not below its baseline."""

    code = "target_asks_for_no_decrease"
    title = "The target asks for no decrease"


class RangeIsEmpty(RuleBroken):
    """The upper bound is not above the lower one."""

    code = "range_is_empty"
    title = "The range holds no value"


class TargetPullsTheWrongWay(RuleBroken):
    """The target asks for what makes the indicator worse."""

    code = "target_pulls_the_wrong_way"
    title = "The target contradicts the indicator's direction"


class DirectionContradictsTargets(RuleBroken):
    """A target of the indicator asks for what would make it worse."""

    code = "direction_contradicts_targets"
    title = "The direction contradicts the indicator's targets"


class TargetIncomplete(InvalidInput):
    """Parts that the type of target needs are missing, or parts are there that it does not have."""

    code = "target_incomplete"
    title = "The parts do not fit the type of target"


class UnknownTarget(NotFound):
    """There is no such target, or its unit lies outside the caller's units."""

    code = "unknown_target"
    title = "No such target"
