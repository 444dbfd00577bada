"""Querying engines: the local one, those of `docker` contexts, and hosts over SSH; many at a time."""

from notifier.collection.collected_images import HeldImages
from notifier.collection.concurrent_queries import Effort, gather
from notifier.collection.target_queries import CollectedTarget, distinct

__all__ = ["CollectedTarget", "Effort", "HeldImages", "distinct", "gather"]
