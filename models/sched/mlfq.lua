-- mlfq: levels by behaviour. The same decisions as mlfq.c, which says more.
local LEVELS = 3

local level = {}     -- by pid, from 0
local waits, kept_until = {}, {} -- kept_until: none ends its turn before
local queued_at, began, used = {}, {}, {} -- used: of its slice, in turns that others ended
local was_late = false -- the last turn that was given was for one who had waited too long

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
        and scx.now() >= kept_until[curr]
end

-- The level whose first task has waited for too long, the longest of all.
local function late_level()
    local now, longest, found = scx.now(), param.timeout, nil
    for l = 1, LEVELS - 1 do
        local first = scx.dsq_peek(l)
        if first and now - queued_at[first] >= longest then
            longest = now - queued_at[first]
            found = l
        end
    end
    return found
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
    level[p], queued_at[p], began[p], used[p], kept_until[p] = 0, 0, 0, 0, 0
end

function policy.exit_task(p)
    level[p], queued_at[p], began[p], used[p], kept_until[p], waits[p] = nil, nil, nil, nil, nil, nil
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
    waits[p], queued_at[p] = true, scx.now()
    if used[p] > 0 then
        enq_flags = enq_flags | scx.ENQ_HEAD
    end
    scx.dsq_insert(p, level[p], slice_of(level[p]) - used[p], enq_flags)
end

function policy.dispatch()
    local l = late_level()
    was_late = not was_late and l ~= nil and scx.dsq_move_to_local(l)
    if was_late then
        scx.stat_add("late")
        return
    end
    for l = 0, LEVELS - 1 do
        if scx.dsq_move_to_local(l) then
            return
        end
    end
end

function policy.running(p)
    began[p] = scx.now()
    if waits[p] and began[p] - queued_at[p] >= param.timeout then
        kept_until[p] = began[p] + param.slice
    end
    waits[p] = false
end

function policy.stopping(p, runnable)
    used[p] = used[p] + scx.now() - began[p]
    if runnable and used[p] < slice_of(level[p]) then
        return
    end
    used[p] = 0
    if runnable and level[p] < LEVELS - 1 then
        level[p] = level[p] + 1
        scx.stat_add("demoted")
    elseif not runnable and level[p] > 0 then
        level[p] = level[p] - 1
        scx.stat_add("promoted")
    end
end

return policy
