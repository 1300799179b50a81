"""What the papers say, what our runs say, and a verdict for every claim by a stated rule."""
