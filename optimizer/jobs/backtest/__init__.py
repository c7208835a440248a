"""The replay of history: decisions on each date with what was known then, billed for what came, beside rivals."""
