"""The registration network, its files and its runtimes."""
