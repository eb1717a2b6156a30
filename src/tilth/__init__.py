"""tilth: clean, weakly label, paraphrase, pick and train on a pile of half-labeled text, every night."""
