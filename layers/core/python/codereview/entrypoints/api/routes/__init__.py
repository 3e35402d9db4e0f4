"""What each route does, a file for each resource; `table.py` lists them all."""
