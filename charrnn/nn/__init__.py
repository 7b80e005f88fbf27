"""The mathematics: parameters, cells, layers, heads and the stack that they form. It imports arrays and BLAS alone."""
