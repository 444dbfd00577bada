"""The stages of a run as jobs on PostgreSQL: an entry over the services. The only import of procrastinate."""
