"""Reading, checking and naming the inputs."""
