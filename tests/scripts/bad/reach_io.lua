local x = io.open
return {name = "io"}
