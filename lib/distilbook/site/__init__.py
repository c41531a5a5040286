"""From executed notebooks to the site that opens from disk."""
