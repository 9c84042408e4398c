"""A stream: the pure step from state and batch to state and answer.

`step` has the step; `aim` moves the bounds that it aims at; `pooled` makes rows of what many batches add up
to; `state_vector` lays out the state.
"""
