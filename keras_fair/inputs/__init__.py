"""What a caller hands in: columns, labels, weights, predictions, domains, checked and converted once."""
