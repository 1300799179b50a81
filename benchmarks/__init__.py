"""How long a training step takes, here and in other libraries: ``python -m benchmarks``."""

TASKS = ("recurrent", "mlp", "cnn")
SUITES = ("tasks", "population", "curves")
PEERS = ("snntorch", "spikingjelly", "norse")
OURS = "hnnlib"
