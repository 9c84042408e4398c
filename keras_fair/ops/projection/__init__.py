"""The projection and its derivative."""
