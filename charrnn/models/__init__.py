"""Models of text: the contract, the recurrent network, the n-gram, and their checkpoints."""
