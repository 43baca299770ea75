description = "files by events" short_description = "x" category = "I/O"
args = {{name = "n", description = "rows", argtype = "int", optional = true}}
local counts = {}
function on_set_arg(name, value) n = tonumber(value) return true end
function on_init()
	name = chisel.request_field("fd.name")
	chisel.set_filter("evt.type=openat and fd.num>0")
	chisel.set_interval_s(1)
	return true
end
function on_capture_start() return true end
function on_event()
	local key = evt.field(name) .. "\1" .. evt.get_type()
	counts[key] = (counts[key] or 0) + 1 / 2
	return true
end
function on_interval(s, ns, delta)
	for k, v in pairs(counts) do print(k:gsub("%c", "|"), v .. "x", s, ns, delta) end
	return true
end
function on_capture_end() table.sort({3, 1, 2}) io.write(string.format("%d %s\n", 2.5, {})) end
