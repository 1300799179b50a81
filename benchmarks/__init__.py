"""How long a training step takes, here and in other libraries: ``python -m benchmarks``."""

TASKS = ("recurrent", "mlp", "cnn")
EPOCH = "epoch"  # a task too, of the suite that has its name
STUDIES = "studies"
STUDIED = (
    "delays",
    "quadratic",
    "gated",
    "graded",
)  # networks of studies, of the suite ``studies``
SUITES = ("tasks", "sizes", EPOCH, "population", "curves", STUDIES)
LIBRARIES = ("snntorch", "spikingjelly", "norse")
BY_HAND = "by_hand"  # no library: what one writes who knows the equations and PyTorch
JAX = "jax"  # the same in JAX, where it is asked for
PEERS = (*LIBRARIES, BY_HAND)
STUDY_PEERS = ("torch", "spikingjelly")  # whose neurons and layers are enough for one of them
OURS = "hnnlib"
