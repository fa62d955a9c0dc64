"""How far the quality flags can be believed: phantoms that were made to fail, and the rule they choose."""
