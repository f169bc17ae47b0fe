"""The event bus and its archive. Everything that knows which kind of bus it is stands here."""

from __future__ import annotations

from aws_cdk import aws_events as events
from constructs import Construct

from functions.operations.naming import archive_name
from infra.addresses import BusAddress


class EventBus(Construct):
    """A bus whose events are kept for a replay.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        bus_name: Its physical name, which whoever sends events needs to know.
        archive_days: Days that events are kept; 0 for no archive.
    """

    def __init__(self, scope: Construct, construct_id: str, *, bus_name: str, archive_days: int) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=bus_name, description="Events that fire functions"
        )
        if archive_days:
            # Without a pattern an archive keeps everything.
            events.CfnArchive(
                self,
                "Archive",
                source_arn=self.bus.event_bus_arn,
                archive_name=archive_name(bus_name),
                description="Events for a replay",
                retention_days=archive_days,
            )
        self.address = BusAddress(self.bus.event_bus_name, self.bus.event_bus_arn)
