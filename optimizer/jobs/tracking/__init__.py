"""What happened against a plan, and what the next one should learn. Not here: pages and files (`optimizer.report`)."""
