"""Tables, figures and sentences that the chapters display, one module per subject.
`style` holds their common look, `quantities` the notation of numbers and the templates of sentences.
"""
