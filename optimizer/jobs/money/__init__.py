"""What a plan is worth in money terms: cash, books, paybacks, financing, cost per unit of value."""
