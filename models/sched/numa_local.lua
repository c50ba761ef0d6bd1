-- numa_local: own CPU, then node, then anywhere. The same decisions as numa_local.c, which says more.
local NODES, GLOBAL = 1 << 16, 1 << 17

-- The node that p should run on.
local function home_of(p)
    local memory, here = scx.task_node(p), scx.cpu_node(scx.task_cpu(p))
    if memory == nil or memory == here then
        return here
    end
    local both = scx.mask_and(scx.node_cpumask(memory), scx.task_cpumask(p))
    return scx.mask_next(both) and memory or here
end

local function steal_from(node)
    local longest, from = param.steal_above, nil
    if scx.dsq_move_to_local(NODES + node) then
        return true
    end
    local cpus = scx.node_cpumask(node)
    local cpu = scx.mask_next(cpus)
    while cpu do
        local waiting = scx.dsq_nr_queued(cpu)
        if waiting > longest then
            longest, from = waiting, cpu
        end
        cpu = scx.mask_next(cpus, cpu + 1)
    end
    return from ~= nil and scx.dsq_move_to_local(from)
end

local policy = {
    name = "numa_local.lua",
    doc = "a task waits for its CPU, then its node, then anywhere; memory decides which node",
    params = {
        slice = {kind = "time", default = "10ms", min = "100us", max = "1s",
                 doc = "how long a task runs before others get a turn"},
        cpu_spare = {kind = "number", default = "2", max = "1000",
                     doc = "tasks that wait for one CPU"},
        node_spare = {kind = "number", default = "2", max = "1000",
                      doc = "tasks a CPU that wait for a node"},
        steal_above = {kind = "number", default = "0", max = "1000",
                       doc = "tasks that a CPU keeps to itself when another idles"},
    },
    stats = {"to_cpu", "to_node", "to_global", "stolen"},
}

function policy.init()
    scx.create_dsq(GLOBAL)
    local cpus = scx.possible_cpumask()
    local cpu = scx.mask_next(cpus)
    while cpu do
        scx.create_dsq(cpu, scx.cpu_node(cpu))
        cpu = scx.mask_next(cpus, cpu + 1)
    end
    for node = 0, scx.nr_nodes() - 1 do
        scx.create_dsq(NODES + node, node)
    end
end

function policy.select_cpu(p, prev_cpu)
    local home, cpu = home_of(p), nil
    if scx.cpu_node(prev_cpu) == home and scx.test_and_clear_cpu_idle(prev_cpu) then
        cpu = prev_cpu
    end
    local rank = 0
    while cpu == nil do
        local node = scx.nearest_node(home, rank)
        if node == nil then
            return prev_cpu -- nobody idles
        end
        cpu = scx.select_cpu_and(p, prev_cpu, 0, scx.node_cpumask(node))
        rank = rank + 1
    end
    scx.dsq_insert(p, scx.DSQ_LOCAL, param.slice)
    return cpu
end

function policy.enqueue(p, enq_flags)
    local cpu, home = scx.task_cpu(p), home_of(p)
    local room = param.node_spare * scx.mask_weight(scx.node_cpumask(home))
    local id = GLOBAL
    if scx.cpu_node(cpu) == home and scx.dsq_nr_queued(cpu) < param.cpu_spare then
        id = cpu
        scx.stat_add("to_cpu")
    elseif scx.dsq_nr_queued(NODES + home) < room then
        id = NODES + home
        scx.stat_add("to_node")
    else
        scx.stat_add("to_global")
    end
    scx.dsq_insert(p, id, param.slice, enq_flags)
end

function policy.dispatch(cpu)
    local home = scx.cpu_node(cpu)
    if scx.dsq_move_to_local(cpu) or scx.dsq_move_to_local(NODES + home)
        or scx.dsq_move_to_local(GLOBAL) then
        return
    end
    local rank = 0
    while true do
        local node = scx.nearest_node(home, rank)
        if node == nil then
            return
        end
        if steal_from(node) then
            scx.stat_add("stolen")
            return
        end
        rank = rank + 1
    end
end

return policy
