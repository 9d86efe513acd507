"""The environment in which alembic runs the migrations of goals."""

from services.goals.schema import GoalsTable
from shared.migrations import run_environment

run_environment("goals", [GoalsTable.metadata])
