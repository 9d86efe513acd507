"""What an operator watches on the event path."""

from prometheus_client import Counter, Gauge

OUTBOX_DEPTH = Gauge("steward_outbox_events", "Events that are written but have no position yet")
OUTBOX_OLDEST = Gauge("steward_outbox_oldest_seconds", "Age of the oldest event without a position")
LOG_POSITION = Gauge("steward_log_position", "Last position of this service's log")
PUBLISHED_POSITION = Gauge("steward_published_position", "Last position that Kafka has acknowledged")
UNPUBLISHED = Gauge("steward_unpublished_events", "Events of the log that Kafka does not have; 0 in feed mode")
UNANCHORED = Gauge(
    "steward_unanchored_seconds",
    "How long the log has gone on since its end was last signed and sent out; 0 where that is not wanted",
)
CONSUMED_POSITION = Gauge("steward_consumed_position", "Last position applied", ["source"])
CONSUMER_LAG = Gauge(
    "steward_consumer_lag_seconds", "Age of the last event applied, 0 when there is no later", ["source"]
)
CONSUMER_STOPPED = Gauge(
    "steward_consumer_stopped", "1 while a consumer has stopped and waits for an operator", ["source"]
)
CONSUMER_BEHIND = Gauge(
    "steward_consumer_behind_events", "Events of the log followed that are not applied yet", ["source"]
)
CONSUMER_MOVED = Gauge(
    "steward_consumer_moved_timestamp_seconds", "When a consumer last applied something, as Unix time", ["source"]
)
PART_STOPPED = Gauge(
    "steward_part_stopped", "1 while a part of the worker has stopped and waits for an operator", ["part"]
)
WAITING = Gauge("steward_waiting", "Work that waits for the worker of the service, by kind", ["work"])
OLDEST_SNAPSHOT = Gauge(
    "steward_oldest_snapshot_seconds", "Age of the oldest transaction of this login that keeps deleted rows from going"
)
DEAD_LETTERS = Gauge("steward_dead_letters", "Events set aside and not replayed yet")
APPLIED = Counter("steward_events_applied", "Events handed to a handler", ["source"])
REDELIVERED = Counter("steward_events_redelivered", "Events that came again and were dropped by position", ["source"])
PASSED_OVER = Counter("steward_events_passed_over", "Events of a type that nobody here handles", ["type"])
RETRIES = Counter("steward_consumer_retries", "Batches that failed and were tried again", ["source"])
