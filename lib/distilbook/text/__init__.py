"""Running text from files, the Hub and pinned wheels, as documents with names and paragraphs."""
