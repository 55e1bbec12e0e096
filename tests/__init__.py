"""Tests of emotune, by behaviour."""
