"""What one can ask `feeds` to do: poll the sources. Takes a database and values, never prints."""
