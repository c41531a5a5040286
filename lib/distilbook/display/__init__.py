"""What the chapters show: figures and tables."""
