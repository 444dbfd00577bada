"""Digests, notices and reports as text, HTML and Slack blocks. The only import of jinja2."""
