-- vtime: weighted fair by virtual time. The same decisions as vtime.c.
local QUEUE = 0

local now = 0 -- virtual time of the machine

local policy = {
    name = "vtime.lua",
    doc = "one queue for all CPUs, weighted fair by virtual time",
    params = {
        slice = {kind = "time", default = "20ms", min = "100us", max = "10s",
                 doc = "how long a task runs before others get a turn"},
    },
}

function policy.init()
    return scx.create_dsq(QUEUE)
end

function policy.select_cpu(p, prev_cpu, wake_flags)
    local cpu, is_idle = scx.select_cpu_dfl(p, prev_cpu, wake_flags)
    if is_idle then
        scx.dsq_insert(p, scx.DSQ_LOCAL, param.slice)
    end
    return cpu
end

-- Virtual times wrap around: what counts is the sign of a difference.
function policy.enqueue(p, enq_flags)
    local vtime = scx.task_dsq_vtime(p)
    if vtime - (now - param.slice) < 0 then
        vtime = now - param.slice
    end
    scx.dsq_insert_vtime(p, QUEUE, param.slice, vtime, enq_flags)
end

function policy.dispatch()
    scx.dsq_move_to_local(QUEUE)
end

function policy.running(p)
    local vtime = scx.task_dsq_vtime(p)
    if now - vtime < 0 then
        now = vtime
    end
end

function policy.stopping(p)
    local used = math.max(param.slice - scx.task_slice(p), 0)
    scx.task_set_dsq_vtime(p, scx.task_dsq_vtime(p) + used * 100 // scx.task_weight(p))
end

function policy.enable(p)
    scx.task_set_dsq_vtime(p, now)
end

return policy
