"""The environment in which alembic runs the migrations of feedback."""

from services.feedback.schema import FeedbackTable
from shared.migrations import run_environment

run_environment("feedback", [FeedbackTable.metadata])
