"""What is wrong in the world: sources, their documents, and the advisories they add up to.

`notifier` imports this package; it never imports `notifier`.
"""

__version__ = "0.1.0"
