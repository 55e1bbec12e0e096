"""Measurements that print what the documentation states."""
