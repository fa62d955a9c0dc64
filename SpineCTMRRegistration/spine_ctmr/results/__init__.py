"""The folder of a registration: names, writer, reader."""
