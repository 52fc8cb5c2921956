"""What users ask about keys and results: why, what changed, what is known, what may count again."""
