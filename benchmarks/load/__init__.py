"""How many people one machine carries: throwaway servers on loopback, and people made by locust."""
