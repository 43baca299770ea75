args = {}
local t = setmetatable({}, {__index = function(t, k) return k end, __newindex = rawset, __call = print,
	__concat = function(a, b) return tostring(a) .. "|" .. tostring(b) end, __len = function() return 3 end,
	__lt = function() return true end, __tostring = function() return "t" end, __close = print})
print(t .. 1 .. t .. "x" .. 2, #t, t < t, t.x, t(1))
local x <close> = t
table.insert(t, 1, 2) table.concat(t, ",") table.remove(t) table.sort(t) unpack(t)
string.gsub("abc", ".", t) string.format("%s %q", t, "x\0") error(t)
