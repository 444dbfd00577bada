"""Subscribing oneself, unsubscribing, and feeds."""
