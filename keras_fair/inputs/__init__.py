"""What a caller hands in: read and checked once, below every mode.

columns        one column of text, numbers or dates, from any container; what is missing
dates          dates and times as text in one form, which sorts as the instants do
orders         rows of columns in one order
predictions    predictions and weights; lengths and orders that belong together
precision      numbers in the precision that they were given in; whole numbers beyond 2^53
domain         where predictions lie
refusals       faults of a column, and the place in the text that asks for it
arrays         one set of names for NumPy arrays and tensors
"""
