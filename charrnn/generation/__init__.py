"""Writing new text."""
