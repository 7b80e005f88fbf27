"""The configuration: one table of keys, and everything derived from it."""
