"""Training losses of the registration networks."""
