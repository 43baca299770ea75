args = {}
print(pcall(sysdig.get_thread_table), pcall(sysdig.get_container_table), pcall(sysdig.get_machine_info))
print(sysdig.make_ts(1, 2), sysdig.add_ts("1", "2"), pcall(sysdig.subtract_ts, {}, 1), bit.tohex(-1.5))
function on_init()
	for i = 1, 20 do pcall(chisel.request_field, "proc.aname[" .. i .. "]") end
	f = chisel.request_field("evt.rawtime")
	sysdig.set_output_format("hex")
	chisel.set_event_formatter("%evt.num %proc.name %evt.args")
	if evt.field(f) == nil then chisel.exec("x", 1, true) end
	return true
end
