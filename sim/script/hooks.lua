-- The five hooks of textbooks for scripts, as numasim/hooks.h for C: scx.hooks{programs} is a policy.
-- A program has any of task_new(p), enqueue(p), dequeue(p), pick_next(cpu), task_tick(p), and `slice`.
function scx.hooks(policy)
    local waits, queue = {}, {} -- by pid: its number in line; by node: who waits, some of them gone
    local number = 0

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
        waits[p] = nil
        scx.dsq_insert(p, scx.DSQ_LOCAL, slice or scx.SLICE_DFL)
    end

    local function may_pick(p, cpu)
        return waits[p] ~= nil and scx.mask_test(scx.task_cpumask(p), cpu)
    end

    -- The one that has waited longest on the CPU's node.
    local function default(cpu)
        local q = queue[scx.cpu_node(cpu)]
        for at = q.first, q.last do
            local p, n = q[at][1], q[at][2]
            if waits[p] ~= n then
                if at == q.first then
                    q[at] = nil
                    q.first = at + 1
                end
            elseif may_pick(p, cpu) then
                run(p)
                return
            end
        end
    end

    local ops = {name = policy.name, doc = policy.doc, page = policy.page, params = policy.params,
                 stats = policy.stats, timeout_ms = policy.timeout_ms}

    function ops.init()
        for node = 0, scx.nr_nodes() - 1 do
            queue[node] = {first = 1, last = 0}
        end
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
        waits[p] = nil
    end

    function ops.select_cpu(p, prev_cpu, wake_flags)
        return (scx.select_cpu_dfl(p, prev_cpu, wake_flags))
    end

    function ops.enqueue(p)
        local q = queue[scx.cpu_node(scx.task_cpu(p))]
        number = number + 1
        waits[p] = number
        q.last = q.last + 1
        q[q.last] = {p, number}
        tell("enqueue", p)
    end

    function ops.dequeue(p)
        waits[p] = nil
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
