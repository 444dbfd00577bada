"""How the documents of sources are read: unpacked, as pages, as feeds, as release notes. Pure."""
