"""What can go wrong with a survey."""

from shared.errors import Conflict, NotFound, RuleBroken, ServiceError


class SurveyNotFound(NotFound):
    """No survey with this id or code, or none for this caller: a draft is nobody else's business."""

    code = "survey_not_found"
    title = "No such survey"


class SurveyClosed(ServiceError):
    """The survey takes no more answers, for good."""

    kind = "gone"
    code = "survey_closed"
    title = "The survey is closed"


class WrongState(Conflict):
    """The survey is in a state that does not allow this."""

    code = "wrong_survey_state"
    title = "Not in this state of the survey"


class VersionNotFound(NotFound):
    """The survey has no version with this number."""

    code = "version_not_found"
    title = "No such version"


class VersionNotPublishable(Conflict):
    """The version was published already, or an answerable newer one is out."""

    code = "version_not_publishable"
    title = "The version cannot be published"


class QuestionChangedMeaning(RuleBroken):
    """An id of an earlier version would stand for something else, and old and new answers could not be added up."""

    code = "question_changed_meaning"
    title = "An id stands for something else now"


class BrokenQuestionnaire(RuleBroken):
    """The questions do not make a questionnaire that can be answered and scored."""

    code = "broken_questionnaire"
    title = "The questions cannot be used"
