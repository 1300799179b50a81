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
SUITES = ("tasks", EPOCH, "population", "curves", STUDIES)
PEERS = ("snntorch", "spikingjelly", "norse")
STUDY_PEERS = ("torch", "spikingjelly")  # whose neurons and layers are enough for one of them
OURS = "hnnlib"
