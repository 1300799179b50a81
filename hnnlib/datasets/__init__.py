"""Data sets: a registry, verified downloads, embedded data, keyed splits."""
