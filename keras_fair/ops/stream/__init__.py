"""A stream: the pure step from state and batch to state and answer.

`step` has the step; `springs` says how it holds the rows, from what `noise` knows of chance, and `guard` what
it never gives up again; `pooled` makes rows of what many batches add up to; `state_vector` lays out the
state, and `earlier` reads those of version 0.1.0.
"""
