local x = os.execute
return {name = "os"}
