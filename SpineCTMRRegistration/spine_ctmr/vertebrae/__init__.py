"""One rigid pose per vertebra."""
