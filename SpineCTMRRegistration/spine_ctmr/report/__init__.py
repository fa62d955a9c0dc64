"""Pictures and the page that shows a registration to a reader."""
