"""Reading what users and other programs give: strictly, each refusal in one line."""
