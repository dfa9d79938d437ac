"""Tables of the report: what each column shows and how its numbers are written."""
