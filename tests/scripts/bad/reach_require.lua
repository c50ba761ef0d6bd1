local posix = require("posix")
return {name = "require"}
