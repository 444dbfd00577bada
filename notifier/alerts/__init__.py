"""What is news for a subscriber, the digest that says it, and what silences keep out of it. Pure."""
