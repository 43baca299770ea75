// SPDX-License-Identifier: Apache-2.0
// Scripts that run a program which never is a file.

rule koban_script_memfd
{
	meta:
		description = "A script puts a program into memory and runs it from there, without a file"
		check = "malware-memory-script"
		label = "malware"
		severity = "high"
		confidence = 82
		technique = "T1620"
	strings:
		$a1 = "memfd_create"
		$a2 = "syscall(319"
		$a3 = "syscall(279"
		$e1 = "/proc/self/fd/"
		$e2 = "/proc/%d/fd/"
		$e3 = "/proc/$$/fd/"
		$e4 = "/fd/{"
		$x1 = "os.execv"
		$x2 = "fexecve"
		$x3 = "subprocess"
		$x4 = "exec {"
		$x5 = "exec("
		$n1 = "http://"
		$n2 = "https://"
		$n3 = "urlopen"
		$n4 = "base64"
		$n5 = "zlib"
		$n6 = "socket"
	condition:
		1 of ($a*) and 1 of ($e*) and 1 of ($x*) and 1 of ($n*) and filesize < 256KB
}

rule koban_script_shellcode
{
	meta:
		description = "A script puts machine code into memory and jumps into it"
		check = "malware-shellcode-script"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1055"
	strings:
		$a1 = "mmap"
		$a2 = "mprotect"
		$a3 = "VirtualAlloc"
		$a_ctypes = "ctypes"
		$c1 = "CFUNCTYPE"
		$c2 = "memmove"
		$re1 = /(\\x[0-9a-fA-F]{2}){24}/
		$re2 = /(0x[0-9a-fA-F]{2},\s?){24}/
	condition:
		1 of ($a1, $a2, $a3) and $a_ctypes and 1 of ($c*) and 1 of ($re*) and filesize < 1MB
}

rule koban_script_process_injection
{
	meta:
		description = "A script writes into another process by /proc or gdb"
		check = "malware-process-injection"
		label = "malware"
		severity = "high"
		confidence = 70
		technique = "T1055.009"
	strings:
		$a1 = "of=/proc/"
		$a2 = "gdb -p"
		$a3 = "gdb -q"
		$re1 = /dd\s[^\n]{0,100}of=\/proc\/[^\s\/]{1,12}\/mem\b/
		$re2 = /gdb\s[^\n]{0,60}-p\s?[^\n]{0,200}call\s[^\n]{0,20}(system|dlopen|mprotect|execl)/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 512KB
}
