"""Networks on held-out synthetic patients: trained, measured and shown the same way for every paper."""
