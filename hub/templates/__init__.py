"""Templates: genuine Handlebars, rendered by a bounded child process."""
