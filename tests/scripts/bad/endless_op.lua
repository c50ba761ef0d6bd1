return {
    name = "endless_op",
    enqueue = function(p, flags)
        while true do
        end
    end,
}
