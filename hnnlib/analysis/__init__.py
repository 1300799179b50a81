"""Analyses of finished runs; nothing in here trains a network."""
