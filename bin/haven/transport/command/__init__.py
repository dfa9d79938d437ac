"""The command ``./haven transport``: options, files, and what it draws, prints and writes."""
