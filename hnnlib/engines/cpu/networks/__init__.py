"""Compiled loops of networks that no engine steps through, each in a module of the same name as the
network.
"""
