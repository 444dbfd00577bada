"""The sources: one file each, listed in `all_sources`. Importing this package loads no parser."""
