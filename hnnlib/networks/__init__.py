"""Networks: layer notation, population layers, and the networks that are built from them."""
