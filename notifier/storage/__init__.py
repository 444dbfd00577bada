"""The only code that queries the tables of `notifier`. Values go in, values come out; no row leaves."""
