"""Results for others: the crate that describes them and the zip that is deposited."""
