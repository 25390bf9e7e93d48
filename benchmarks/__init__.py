"""Image API measured against a plain service of the same contract: `make bench`."""
