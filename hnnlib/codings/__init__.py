"""Codings: how the graded values of an artificial layer become a signal over time for a spiking
one; one module a coding.
"""
