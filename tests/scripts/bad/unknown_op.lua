return {
    name = "unknown op",
    enque = function(p) end,
    dispatch = 7,
    flags = {"ENQ_FIRST"},
    params = {slice = {kind = "time", default = "5"}},
}
