"""How alike a CT and an MR are at a place: MIND-SSC and mutual information; knows geometry alone."""
