"""What an installation is made of: configuration, database, mirror, registries, channels, audit log."""
