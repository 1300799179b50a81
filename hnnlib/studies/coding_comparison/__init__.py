"""Coding comparison: how artificial layers should speak to spiking ones (Muramatsu & Yu, Tables
1a-3b).

Cells are the rows and columns of the paper's tables, plus forensic arms: cells that differ from a
cell of the tables in one protocol choice, so that the difference says what the choice was worth.
"""
