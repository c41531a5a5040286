"""What an edition is: the table of contents, its parameters, an open chapter, the paired notebooks."""
