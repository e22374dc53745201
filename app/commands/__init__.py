"""The commands of ``jalon``, one file for each family."""
