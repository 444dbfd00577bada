"""Formats of other tools: one pure module each, registered in `all_formats` and nowhere else."""
