"""Text as blocks of tokens: tokenising, packing into blocks of one length, and token masking."""
