"""Tests of charrnn/tuning."""
