"""The pipeline as data: nodes, types, graph, text, digest."""
