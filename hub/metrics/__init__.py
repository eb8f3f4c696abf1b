"""The numbers of the whole hub, in Prometheus' text format."""
