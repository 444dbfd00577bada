"""A folder of answers that stands in for the network: its layout, manifest, builder and server."""
