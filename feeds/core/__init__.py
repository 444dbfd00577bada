"""What every room uses: errors, secrets, addresses, and where shipped files lie. Imports nothing of the project."""
