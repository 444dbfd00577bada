"""Digests, notices, reports and pages as text, HTML and Slack blocks. The only import of jinja2."""
