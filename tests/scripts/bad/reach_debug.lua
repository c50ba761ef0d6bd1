local x = debug.getinfo
return {name = "debug"}
