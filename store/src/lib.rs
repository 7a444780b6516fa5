//! Where a command becomes durable events: the event-store port and its three implementations.
