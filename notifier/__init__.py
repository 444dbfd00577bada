"""What you run, and whom to tell: inventory, verdicts, subscriptions, digests and their delivery."""
