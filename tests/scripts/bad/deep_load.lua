local function f(n)
    return 1 + f(n + 1)
end
return {name = "deep", init = f(1)}
