args = {}
for _, p in ipairs {"%b()", "%f[%w]%w+", "[^%a-z%]]*", "(()(a))%2", "^.-$", "[]]", "[a-]", "%", "[", "(", "%1", "()", "a**", "%z" } do
	for _, s in ipairs {"", "(a(b)c)", "aa]]--", ("ab"):rep(30), "\0\27[2J\200"} do
		print(pcall(string.find, s, p), pcall(string.gsub, s, p, "%0%1"), pcall(string.match, s, p, -3))
		for a, b in string.gmatch(s, "(%w?)") do io.write(a, tostring(b)) end
	end
end
