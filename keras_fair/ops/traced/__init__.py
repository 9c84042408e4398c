"""Formulas written for arrays, as one Python function of plain numbers.

An operation of NumPy takes a microsecond, however small its arrays are; one of plain numbers takes a fiftieth
of that. So what is done for each lone request is traced once: the formulas run on arrays whose entries are
expressions instead of numbers, and what these say is written out as a function. Nothing is said twice, since
the function is made of the formulas themselves.

`expressions` has the expressions and what can be told of them beforehand, `arrays` the arrays of them with
the names of `keras.ops`, `source` the function.
"""
