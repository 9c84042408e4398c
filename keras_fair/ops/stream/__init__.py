"""A stream: the pure step from state and batch to state and answer.

`step` has the step, `asked` and `answered` what comes before and after its projection, and `one_arrival` the
same as a function of plain numbers. `springs` says how a step holds the rows, from what `noise` knows of
chance, and `guarded_rows` what it never gives up again; `pooled` makes rows of what many batches add up to;
`state_vector` lays out the state, and `earlier` reads those of version 0.1.0.
"""
