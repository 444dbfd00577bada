"""Image lineage: which images stand on a base that has moved, what to do, and in which order. Pure."""
