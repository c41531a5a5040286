"""Running text from files, the Hub and pinned wheels, document by document.
Readers yield documents as lists of sentences; nothing is tokenised here.
"""
