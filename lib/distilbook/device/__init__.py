"""What a model costs where it runs."""
