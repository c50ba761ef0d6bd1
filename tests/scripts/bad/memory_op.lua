local kept = {}
return {
    name = "memory_op",
    enqueue = function(p, flags)
        for i = 1, 10000 do
            kept[#kept + 1] = {p}
        end
        scx.dsq_insert(p, scx.DSQ_GLOBAL, scx.SLICE_DFL, flags)
    end,
}
