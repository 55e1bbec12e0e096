"""The API of playlists, listens and ratings."""
