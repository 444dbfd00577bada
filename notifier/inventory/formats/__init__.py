"""One file per inventory format: text in, observations of hosts out. Pure."""
