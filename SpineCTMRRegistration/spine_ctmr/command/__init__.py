"""The command line `spine-ctmr`: its grammar and one file for each subcommand."""
