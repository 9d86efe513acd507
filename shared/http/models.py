"""Parents of request bodies: what is not known is refused, what was not sent stays apart from what was sent as null."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Parent of every request body: a field that it does not know is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


ABSENT: Any = Field(default_factory=lambda: None)
"""Default of a field that a change may leave out but not clear: `name: Text = ABSENT` refuses null."""


class Change(Strict):
    """Parent of PATCH bodies (JSON Merge Patch): each field optional; null clears one declared `X | None`."""

    def given(self) -> dict[str, Any]:
        """The fields that were sent, with their values; what was left out is not among them."""
        return {name: getattr(self, name) for name in self.model_fields_set}
