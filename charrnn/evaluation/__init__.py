"""Scoring text, and what the scores say."""
