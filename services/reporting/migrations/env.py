"""The environment in which alembic runs the migrations of reporting: its own facts, and the read models."""

from services.reporting.schema import ReadTable, ReportingTable
from shared.migrations import run_environment

run_environment("reporting", [ReportingTable.metadata, ReadTable.metadata])
