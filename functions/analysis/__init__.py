"""What recorded decisions say: the lift of each group, another ranking, other rails. Nothing is decided anew here."""
