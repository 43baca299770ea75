#!/usr/bin/lua
module("m", package.seeall)
function f() return setfenv(1, {}) end
print(pcall(require, "../x"), pcall(require, "common"), loadstring("return ...")(1), getfenv(f) == m)
print(load(function() return nil end), xpcall(f, debug.traceback), pcall(os.exit))
