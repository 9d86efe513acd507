"""Why there is no number, in words beside the codes that goals derives."""

from services.reporting.facts.domain import ObsStatus

NOT_REPORTED = "not_reported"
NOT_EXPECTED = "not_expected"
NOT_COMPUTABLE = "not_computable"
DERIVED = {
    NOT_REPORTED: "not reported",
    NOT_EXPECTED: "not expected",
    NOT_COMPUTABLE: "cannot be put into one number",
}
"""Reasons that nobody gave, but that follow from what was reported and expected."""
MISSING: ObsStatus = "O"
NOT_APPLICABLE: ObsStatus = "M"
OBS_STATUS = {
    "P": "provisional",
    "E": "estimated",
    "B": "break in the series",
    MISSING: "missing",
    NOT_APPLICABLE: "not applicable",
}


def observed_as(obs_status: str, missing_reason: str | None) -> str | None:
    """What a number, or the place where there is none, is besides ordinary."""
    if missing_reason is None:
        return OBS_STATUS.get(obs_status)
    return DERIVED.get(missing_reason) or f"{OBS_STATUS.get(obs_status, 'missing')} («{missing_reason}»)"


def reason_given(missing_reason: str | None) -> str:
    """A sentence with the reason that somebody gave, to stand behind another one."""
    if missing_reason is None or missing_reason in DERIVED:
        return ""
    return f" The reason given is «{missing_reason}»."
