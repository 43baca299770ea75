x = [==[ .. ]==] .. "a\"..b" --[[ .. 
]] .. 1.5e-3 .. .5 ..
...
local function f(...) return ... .. 1 .. 2 end goto l ::l:: print(f(0x.8p1), 1 // 2 << 3)