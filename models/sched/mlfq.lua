-- mlfq: levels by behaviour. The same decisions as mlfq.c, which says more.
local LEVELS = 3

local level = {}     -- by pid, from 0
local queued_at = {} -- by pid

local function slice_of(l)
    local slice = param.slice
    for _ = 1, l do
        slice = slice * param.growth
    end
    return slice
end

-- Does p end the turn of what runs there?
local function outranks(p, cpu)
    local curr = scx.cpu_curr(cpu)
    return curr ~= nil and level[curr] ~= nil and level[curr] > level[p]
end

-- The level whose first task has waited for too long, the longest of all.
local function late_level()
    local now, longest, late = scx.now(), param.timeout, nil
    for l = 1, LEVELS - 1 do
        local first = scx.dsq_peek(l)
        if first and now - queued_at[first] >= longest then
            longest = now - queued_at[first]
            late = l
        end
    end
    return late
end

local policy = {
    name = "mlfq.lua",
    doc = "three levels: who sleeps soon goes up, who uses up a slice goes down; timeouts",
    params = {
        slice = {kind = "time", default = "4ms", min = "100us", max = "100ms",
                 doc = "slice of the first level"},
        growth = {kind = "number", default = "4", min = "1", max = "16",
                  doc = "how many times longer the slice of the next level is"},
        timeout = {kind = "time", default = "100ms", min = "1ms", max = "10s",
                   doc = "who has waited for this long comes first"},
    },
    stats = {"promoted", "demoted", "late"},
}

function policy.init()
    for l = 0, LEVELS - 1 do
        scx.create_dsq(l)
    end
end

function policy.init_task(p)
    level[p], queued_at[p] = 0, 0
end

function policy.exit_task(p)
    level[p], queued_at[p] = nil, nil
end

function policy.select_cpu(p, prev_cpu, wake_flags)
    local cpu, is_idle = scx.select_cpu_dfl(p, prev_cpu, wake_flags)
    if is_idle then
        scx.dsq_insert(p, scx.DSQ_LOCAL, slice_of(level[p]))
    elseif outranks(p, cpu) then
        scx.dsq_insert(p, scx.DSQ_LOCAL, slice_of(level[p]), scx.ENQ_PREEMPT)
    end
    return cpu
end

function policy.enqueue(p, enq_flags)
    queued_at[p] = scx.now()
    scx.dsq_insert(p, level[p], slice_of(level[p]), enq_flags)
end

function policy.dispatch()
    local late = late_level()
    if late and scx.dsq_move_to_local(late) then
        scx.stat_add("late")
        return
    end
    for l = 0, LEVELS - 1 do
        if scx.dsq_move_to_local(l) then
            return
        end
    end
end

function policy.stopping(p, runnable)
    if runnable and scx.task_slice(p) == 0 and level[p] < LEVELS - 1 then
        level[p] = level[p] + 1
        scx.stat_add("demoted")
    elseif not runnable and level[p] > 0 then
        level[p] = level[p] - 1
        scx.stat_add("promoted")
    end
end

return policy
