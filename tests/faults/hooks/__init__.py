"""What processes under test load from their PYTHONPATH."""
