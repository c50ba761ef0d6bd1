local x = package.loaded
return {name = "package"}
