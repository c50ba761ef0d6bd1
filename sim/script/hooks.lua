-- The five hooks of textbooks for scripts, as numasim/hooks.h for C: scx.hooks{programs} is a policy.
-- A program has any of task_new(p), enqueue(p), dequeue(p), pick_next(cpu), task_tick(p), and `slice`.
function scx.hooks(policy)
    local first, last = {}, {} -- by node: who waits there, in the order of coming
    local after, before = {}, {} -- by pid: its neighbours in that line
    local node_of = {} -- by pid, while it waits

    local function join(p, node)
        local tail = last[node]
        node_of[p], before[p], after[p], last[node] = node, tail, nil, p
        if tail then
            after[tail] = p
        else
            first[node] = p
        end
    end

    local function leave(p)
        local node, b, a = node_of[p], before[p], after[p]
        if node == nil then
            return
        end
        if b then after[b] = a else first[node] = a end
        if a then before[a] = b else last[node] = b end
        node_of[p], before[p], after[p] = nil, nil, nil
    end

    local function tell(hook, p)
        local said = false
        for i = 1, #policy do
            if policy[i][hook] and policy[i][hook](p) then
                said = true
            end
        end
        return said
    end

    local function run(p, slice)
        leave(p)
        scx.dsq_insert(p, scx.DSQ_LOCAL, slice or scx.SLICE_DFL)
    end

    local function may_pick(p, cpu)
        return node_of[p] ~= nil and scx.mask_test(scx.task_cpumask(p), cpu)
    end

    -- The one that has waited longest on the CPU's node.
    local function default(cpu)
        local p = first[scx.cpu_node(cpu)]
        while p and not may_pick(p, cpu) do
            p = after[p]
        end
        if p then
            run(p)
        end
    end

    local ops = {name = policy.name, doc = policy.doc, page = policy.page, params = policy.params,
                 stats = policy.stats, timeout_ms = policy.timeout_ms}

    function ops.init()
        for i = 1, #policy do
            if policy[i].init then
                policy[i].init()
            end
        end
    end

    function ops.init_task(p)
        tell("task_new", p)
    end

    function ops.exit_task(p)
        leave(p)
    end

    function ops.select_cpu(p, prev_cpu, wake_flags)
        return (scx.select_cpu_dfl(p, prev_cpu, wake_flags))
    end

    function ops.enqueue(p)
        leave(p)
        join(p, scx.cpu_node(scx.task_cpu(p)))
        tell("enqueue", p)
    end

    function ops.dequeue(p)
        leave(p)
    end

    function ops.quiescent(p)
        tell("dequeue", p)
    end

    function ops.dispatch(cpu)
        for i = 1, #policy do
            local program = policy[i]
            local p = program.pick_next and program.pick_next(cpu)
            if p then
                if not may_pick(p, cpu) then
                    error("picked task " .. tostring(p) .. " for CPU " .. cpu
                          .. ", which does not wait or may not run there")
                end
                return run(p, program.slice)
            end
        end
        default(cpu)
    end

    function ops.tick(p)
        if tell("task_tick", p) then
            scx.task_set_slice(p, 0)
        end
    end

    scx.may_pick = may_pick
    return ops
end
