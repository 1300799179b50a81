"""hnnlib: models, training and evidence behind a companion to papers on hybrid spiking /
non-spiking networks.
"""

__version__ = "0.1.0"
