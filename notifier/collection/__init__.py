"""Querying engines: the local one, those of `docker` contexts, and hosts over SSH; many at a time."""

from notifier.collection.gathering import CollectedTarget, Effort, distinct, gather
from notifier.collection.held import HeldImages

__all__ = ["CollectedTarget", "Effort", "HeldImages", "distinct", "gather"]
