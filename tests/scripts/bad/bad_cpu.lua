return {
    name = "bad_cpu",
    select_cpu = function(p, prev_cpu, wake_flags)
        return 4711
    end,
}
