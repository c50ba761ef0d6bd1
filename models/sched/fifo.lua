-- fifo: one queue for all CPUs, first come first served. The same decisions as fifo.c.
local QUEUE = 0

local policy = {
    name = "fifo.lua",
    doc = "one queue for all CPUs, first come first served",
    params = {
        slice = {kind = "time", default = "20ms", min = "100us", max = "10s",
                 doc = "how long a task runs before others get a turn"},
    },
    stats = {"idle", "queued"},
}

function policy.init()
    return scx.create_dsq(QUEUE)
end

function policy.select_cpu(p, prev_cpu, wake_flags)
    local cpu, is_idle = scx.select_cpu_dfl(p, prev_cpu, wake_flags)
    if is_idle then
        scx.stat_add("idle")
        scx.dsq_insert(p, scx.DSQ_LOCAL, param.slice)
    end
    return cpu
end

function policy.enqueue(p, enq_flags)
    scx.stat_add("queued")
    scx.dsq_insert(p, QUEUE, param.slice, enq_flags)
end

function policy.dispatch()
    scx.dsq_move_to_local(QUEUE)
end

return policy
