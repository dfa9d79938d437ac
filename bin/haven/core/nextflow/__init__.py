"""How Nextflow is started, and which launch what lies in a work folder is of."""
