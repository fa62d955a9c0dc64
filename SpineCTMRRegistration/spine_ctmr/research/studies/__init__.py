"""Studies: this registration and its peers on patients whose truth is known."""
