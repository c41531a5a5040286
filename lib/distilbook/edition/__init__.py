"""An edition of the book: its parameters, its execution, its rendered site."""
