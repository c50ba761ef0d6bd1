return {
    name = "init_error",
    init = function()
        error("not today")
    end,
}
