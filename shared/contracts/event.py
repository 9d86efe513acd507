"""What every contract is: a frozen class with a type, an owner and a kind."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """One thing a service tells the others.

    A *state* carries the whole aggregate after a change; a *fact* is what stays true. Producers send exactly these
    fields; consumers ignore fields that they do not know, so that a newer producer can add optional ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    kind: ClassVar[Literal["state", "fact"]]
    erasable: ClassVar[bool] = True
    """Whether its data may be erased from the log; not where others must be able to rely on it, and nobody is named."""

    @classmethod
    def owner(cls) -> str:
        """The service that tells it."""
        return cls.type.split(".")[1]

    @classmethod
    def topic(cls) -> str:
        """The Kafka topic that carries it: one per service, since a service has one log."""
        return f"{cls.owner()}.events"


class Part(BaseModel):
    """A value inside an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")
