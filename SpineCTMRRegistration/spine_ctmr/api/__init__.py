"""What a Python user calls; `import spine_ctmr` gives it all."""
