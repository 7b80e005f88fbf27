"""One training step shared out over processes."""
