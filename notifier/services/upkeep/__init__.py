"""Keeping an installation in order: checks of doctor, metrics, jobs of workers, records of runs, retention."""
