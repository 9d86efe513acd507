"""The closed lists of what goals says of a number."""

from typing import Literal

Status = Literal["met", "not_met", "on_track", "off_track", "no_information", "not_expected"]
ObsStatus = Literal["A", "P", "E", "B", "M", "O"]
Source = Literal["reported", "feedback"]
