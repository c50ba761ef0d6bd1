local policy = {name = "nothing"}
