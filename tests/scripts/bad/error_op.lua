return {
    name = "error_op",
    enqueue = function(p, flags)
        local t = nil
        t.x = p
    end,
}
