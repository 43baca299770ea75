args = {}
local function deep(n) if n == 0 then while true do pcall(error, {}) end end return pcall(deep, n - 1) end
local co = coroutine.wrap(function() while true do coroutine.yield(("x"):rep(1000):find(("a?"):rep(20) .. "b")) end end)
function on_event() co() deep(50) end
