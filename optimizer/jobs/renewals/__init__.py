"""What to do with each commitment that ends, or that a declared event will strand."""
