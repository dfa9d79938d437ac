"""Many materials or studies: a sheet that runs them, a page that compares them."""
