"""Subscriptions, what they would be sent, what they were sent, and why not."""
