"""How each host hands over a request and takes the response."""
