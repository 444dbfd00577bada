"""The people and programs that use the page: accounts, sessions, tokens, and what they subscribe themselves."""
