return {
    name = "init_code",
    init = function()
        return -12
    end,
}
