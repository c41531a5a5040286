"""Running an edition again and again: what is fresh, what may run side by side, what is no longer needed."""
