"""How long a training step takes, here and in other libraries: ``python -m benchmarks``."""

TASKS = ("recurrent", "mlp", "cnn")
EPOCH = "epoch"  # a task too, of the suite that has its name
SUITES = ("tasks", EPOCH, "population", "curves")
PEERS = ("snntorch", "spikingjelly", "norse")
OURS = "hnnlib"
