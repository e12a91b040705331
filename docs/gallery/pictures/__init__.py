"""One picture per file: a paragraph for the page, the network that it shows, and how it is drawn."""
