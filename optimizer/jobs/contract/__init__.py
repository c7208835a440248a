"""The contract job: what an offer of a committed-spend contract is worth, and what to ask for."""
