"""Pages for people: the year as a picture and a table."""
