"""What every other package uses: errors, options, tables, numbers as text, periodic cells."""
