"""Noise correlations: do spikes become more correlated when noise makes a network fail (Mazurek et
al., Algorithm 1, Fig. 3, Tables III-IV)?

Cells of the arm ``noise``: ``network`` x ``dataset`` x ``protocol`` (``corrected``, ``public_code``
and single choices, see ``hnnlib.analysis.noise``) x ``variant`` of the average (``paper``,
``offdiag_active``, ``null``, see ``hnnlib.analysis.correlations``). For each of the statistics
mean, kurtosis, skewness, percentile_99, count of the penultimate layer: ``<statistic>_clean``,
``_failed``, ``_passed``, ``_failed_later``; ``_change`` is failed - clean, ``_failure_change`` is
failed_later - passed, the failure alone, noise being on both sides. ``layers_mean_rising`` and
``layers_count_rising`` are shares of the other layers.

Cells of the arm ``regime``: ``network`` x ``dataset`` x ``variant``, protocol ``none``: no noise,
but other neurons at test time. ``mean_dense_change``, ``count_sparse_change`` and so on say how
correlations outside the operating region differ from those inside; ``grid_...`` are the maps.
"""
