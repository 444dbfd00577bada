"""The inventory: import, collect, receive pushes, list and remove."""
