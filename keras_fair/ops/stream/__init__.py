"""A stream: the pure step from state and batch to state and answer."""
