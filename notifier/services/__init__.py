"""What one can ask Navtex and have it do. Each takes a database and values, and never prints."""
