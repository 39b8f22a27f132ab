"""What only strategies with a broker have to prove."""
