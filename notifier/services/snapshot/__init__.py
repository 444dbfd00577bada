"""The state of the database that every question and every digest is answered from."""
