"""What those who run the site do in a browser; all of it can be done with `foi` as well."""
