"""What becomes of wrong inputs: caught, harmless, or accepted."""
