"""Neural operator: what an operator learns of a spiking membrane, and what an error of its
potential says about spikes (Ghafourpour et al., NOBLE).

The data are simulated: an ensemble of cells that differ in their conductances, each answering a
step of current. An operator is told the step and two features of the cell.
"""
