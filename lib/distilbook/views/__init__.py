"""Tables, figures and generated sentences, one module a chapter subject.
`style` holds what they share: palette, tables, cards.
"""
