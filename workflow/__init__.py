"""What the Snakefile and the scripts call: plan, guards, words for the terminal."""
