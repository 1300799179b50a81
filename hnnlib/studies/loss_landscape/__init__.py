"""Loss landscapes: is the loss of directly connected hybrids smoother, and does smoothness tell
accuracy (Ramanathan, Eberle & Varol)?

Each cell trains one model on one data set as a population over seeds, and then looks at the true
training loss around every trained network: cross-entropy without regulariser, of the same examples
for all models and seeds, in the same random directions.

Cells have the coordinates ``dataset``, ``arm``, ``model`` (snn, nsn, hybrid, n2n_block, rnn),
``ratio`` (share of spiking units, "0.5" unless the arm changes it) and ``rho`` (radius of
sharpness-aware training, "0" unless the arm changes it). Arms: ``main``; ``sam``, trained with
sharpness-aware minimisation; ``ratio``, hybrids of other ratios.

Variables of every cell and seed, beside those of training (``test_accuracy``, ``train_accuracy``,
...): ``roughness`` (mean |second difference| of the loss at the stated step 2^-5 of filter-
normalised lines; ``roughness_fine`` and ``roughness_coarse`` at the finest and at the coarsest
step, ``roughness_by_scale`` at all; ``relative_roughness`` divided by the range of the line;
``roughness_slope`` over the step in log-log; ``roughness_pca`` along the authors' shared principal
directions, main arm only), ``sam_rise`` (rho = 0.05; ``sam_rise_relative`` in norms of the weights,
``sam_rise_ascent`` in several steps), ``epsilon_sharpness`` and ``epsilon_rise`` (largest and mean
rise over random steps of 0.05), ``walk_eps_s``, ``walk_m0``, ``walk_h_max`` (information content of
the lines), ``features`` (of subspaces) and ``box_features``, ``measured_loss`` and ``weight_norm``
(what a correlation with smoothness should hold fixed), ``surrogate_curvature`` and
``surrogate_trace`` (which decide nothing). In all of them, rougher and sharper is larger.
"""
