"""What can be wrong with a question about charts."""

from shared.errors import RuleBroken


class NotAChart(RuleBroken):
    """The points or their segments cannot make a control chart."""

    code = "not_a_chart"
    title = "These points make no chart"
