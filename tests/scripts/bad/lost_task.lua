-- Keeps every task, and forgets it: the watchdog finds out.
return {
    name = "lost_task",
    timeout_ms = 500,
    enqueue = function(p, flags)
    end,
}
