return {
    name = "bad_dsq",
    enqueue = function(p, flags)
        scx.dsq_insert(p, 77, scx.SLICE_DFL, flags)
    end,
}
