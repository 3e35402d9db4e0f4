"""The outside world behind the ports, one package a neighbour."""
