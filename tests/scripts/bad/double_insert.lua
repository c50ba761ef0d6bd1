return {
    name = "double_insert",
    enqueue = function(p, flags)
        scx.dsq_insert(p, scx.DSQ_GLOBAL, scx.SLICE_DFL, flags)
        scx.dsq_insert(p, scx.DSQ_GLOBAL, scx.SLICE_DFL, flags)
    end,
}
