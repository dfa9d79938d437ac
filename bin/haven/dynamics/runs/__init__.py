"""Runs of molecular dynamics in segments, and what they are judged by."""
