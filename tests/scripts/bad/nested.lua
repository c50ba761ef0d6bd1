for a = 1, 1 do for b = 1, 1 do for c = 1, 1 do for d = 1, 1 do for e = 1, 1 do for f = 1, 1 do
    for g = 1, 1 do
    end
end end end end end end
return {name = "nested"}
