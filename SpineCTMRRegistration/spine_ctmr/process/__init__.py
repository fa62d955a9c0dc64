"""The child process that computes: its lifeline, its staged folder, its memory, and what its end means."""
