"""Every JSON shape that a person or a program reads, each defined once. Pure."""
