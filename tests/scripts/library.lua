-- Seeds for the fuzzer: everything that a script may use, once.
local t = {b = 1, a = 2, [3] = 3, [-1.5] = 4, [true] = 5}
local s = ""
for k, v in pairs(t) do s = s .. tostring(k) .. "=" .. v .. " " end
for i, v in ipairs({5, 2, 9}) do s = s .. i .. v end
local k, v = next(t)
local list = table.pack(7, 1, 8)
table.sort(list, function(a, b) return a > b end)
table.insert(list, 1, 4)
table.remove(list)
table.move(list, 1, 2, 2)
s = s .. table.concat(list, ",") .. string.format("%5.2f|%s|%d|%q", 1.5, {}, 7, "x")
s = s:upper():lower():reverse():sub(2, -2):rep(2)
local n = s:find(".", 1) or #s
local ok, why = pcall(error, "no")
assert(not ok and why == "no")
local function fact(i) if i <= 1 then return 1 end return i * fact(i - 1) end
n = n + fact(10) // 3 + math.floor(2.5) + math.max(1, 2) + (math.tointeger(3.0) or 0)
while n > 100 do n = n // 2 if n % 7 == 3 then goto out end end
::out::
repeat n = n - 1 until n < 0
return select("#", n, k, v, tonumber("0x10"), math.type(1), ("x"):byte(), string.char(65))
