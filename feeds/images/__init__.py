"""Container images: references, and what registries publish of them. Pure."""
