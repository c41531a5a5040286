"""From sources of text and of models to token blocks, masks and labelled tasks."""
