"""Querying engines: the local one, those of `docker` contexts, and hosts over SSH; many at a time."""

from notifier.collection.asking import CollectedTarget, distinct
from notifier.collection.gathering import Effort, gather
from notifier.collection.held import HeldImages

__all__ = ["CollectedTarget", "Effort", "HeldImages", "distinct", "gather"]
