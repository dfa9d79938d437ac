"""The HTML page: its tables, words, downloads, scenes and provenance, and how they are laid out."""
