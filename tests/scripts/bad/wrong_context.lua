return {
    name = "wrong_context",
    enqueue = function(p, flags)
        scx.dsq_move_to_local(0)
    end,
}
