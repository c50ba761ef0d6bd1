return {
    name = "own_error",
    running = function(p)
        scx.error("I give up")
    end,
}
