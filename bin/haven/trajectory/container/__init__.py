"""Haven's trajectory file, an npz: its arrays, their checks, packed and compressed ones."""
