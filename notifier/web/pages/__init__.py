"""The pages that people look at, and the forms on them. Each answers one question in its first screen."""
