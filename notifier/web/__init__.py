"""Pages, the API, pushes and subscriptions by oneself: an entry over the services, as the command line is one."""
