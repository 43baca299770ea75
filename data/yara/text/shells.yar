// SPDX-License-Identifier: Apache-2.0
// Reverse shells in scripts: a shell whose input and output are a connection to somebody.

rule koban_reverse_shell_bash
{
	meta:
		description = "A script connects a shell to somebody by bash's /dev/tcp"
		check = "malware-reverse-shell-bash"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1059.004"
	strings:
		$a1 = "/dev/tcp/"
		$a2 = "/dev/udp/"
		$re1 = /(ba|z|da|a|k)?sh\s+-i\b.{0,40}\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/\d{1,5}.{0,40}(0|2)>&/
		$re2 = /exec\s+\d{1,3}<>\s?\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/[^\s;]{1,20}.{0,160}(sh|cat)\s/
		$re3 = /0<&\d{1,3}.{0,60}(ba)?sh\s+(<&|>&|-i)/
	condition:
		1 of ($a*) and ($re1 or ($re2 and $re3)) and filesize < 2MB
}

rule koban_reverse_shell_python
{
	meta:
		description = "A Python program puts a socket in place of a shell's input and output"
		check = "malware-reverse-shell-python"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1059.006"
	strings:
		$a1 = "os.dup2(s.fileno()"
		$a2 = ".fileno(),0)"
		$a3 = ".fileno(), 0)"
		$s1 = "pty.spawn("
		$s2 = "subprocess.call(["
		$s3 = "\"/bin/sh\""
		$s4 = "'/bin/sh'"
		$s5 = "/bin/bash"
		$c1 = ".connect(("
		$d1 = "dup2("
	condition:
		1 of ($a*) and $c1 and $d1 and 1 of ($s*) and filesize < 1MB
}

rule koban_reverse_shell_perl
{
	meta:
		description = "A Perl program opens a shell on a socket"
		check = "malware-reverse-shell-perl"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1059"
	strings:
		$a1 = "STDIN,\">&S\""
		$a2 = "STDIN, \">&S"
		$a3 = "STDIN->fdopen("
		$a4 = "STDIN,\">&SOCKET\""
		$s1 = "/bin/sh -i"
		$s2 = "/bin/bash"
		$s3 = "system$_"
		$s4 = "exec"
		$c1 = "use Socket"
		$c2 = "IO::Socket"
	condition:
		1 of ($a*) and 1 of ($s*) and 1 of ($c*) and filesize < 1MB
}

rule koban_reverse_shell_netcat
{
	meta:
		description = "A script gives a shell to whoever is at the other end of netcat"
		check = "malware-reverse-shell-netcat"
		label = "backdoor"
		severity = "critical"
		confidence = 88
		technique = "T1059.004"
	strings:
		$a1 = "-e /bin/sh"
		$a2 = "-e /bin/bash"
		$a3 = "-c /bin/sh"
		$a4 = "-c /bin/bash"
		$a5 = "mkfifo "
		$a6 = "mknod "
		$a7 = "--sh-exec"
		$re1 = /\b(nc|ncat|netcat|nc\.traditional|nc\.openbsd)\s[^\n|;]{0,100}(-e|-c|--sh-exec|--exec)\s{1,3}["']?\/bin\/(ba)?sh/
		$re2 = /(mkfifo|mknod)\s[^\n]{1,80};?[^\n]{0,60}cat\s[^\n|]{1,60}\|\s?(\/bin\/)?(ba)?sh\s+-i[^\n]{0,40}\|\s?(nc|ncat|netcat|telnet|openssl)\s/
		$re3 = /\b(nc|ncat|netcat)\s[^\n|;]{0,100}\b(-e|-c|--sh-exec|--exec)\s{1,3}["']?(ba)?sh\b/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}

rule koban_reverse_shell_socat
{
	meta:
		description = "A script gives a shell to somebody by socat"
		check = "malware-reverse-shell-socat"
		label = "backdoor"
		severity = "critical"
		confidence = 88
		technique = "T1059.004"
	strings:
		$a1 = "socat "
		$re1 = /socat\s[^\n]{0,120}(exec|system):["']?(\/bin\/)?(ba)?sh\b/ nocase
		$n1 = "tcp:" nocase
		$n2 = "tcp4:" nocase
		$n3 = "tcp-connect:" nocase
		$n4 = "openssl:" nocase
		$n5 = "openssl-connect:" nocase
		$n6 = "tcp-listen:" nocase
	condition:
		$a1 and $re1 and 1 of ($n*) and filesize < 1MB
}

rule koban_reverse_shell_openssl
{
	meta:
		description = "A script gives a shell to somebody by openssl s_client"
		check = "malware-reverse-shell-openssl"
		label = "backdoor"
		severity = "critical"
		confidence = 88
		technique = "T1573"
	strings:
		$a1 = "openssl s_client"
		$re1 = /(ba)?sh\s+-i\b[^\n]{0,60}\|\s?openssl\s+s_client/
		$re2 = /openssl\s+s_client\s[^\n|]{0,100}-connect\s[^\n|]{1,100}\|\s?(\/bin\/)?(ba)?sh\b/
	condition:
		$a1 and 1 of ($re*) and filesize < 1MB
}

rule koban_reverse_shell_php
{
	meta:
		description = "A PHP program gives a shell to somebody by a socket"
		check = "malware-reverse-shell-php"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1059"
	strings:
		$a1 = "fsockopen("
		$a2 = "stream_socket_client("
		$s1 = "<&3 >&3 2>&3"
		$s2 = "/bin/sh -i"
		$s3 = "/bin/bash -i"
		$s4 = "proc_open("
		$s5 = "shell_exec("
		$p1 = "pipes[1]"
		$re_shell = /proc_open\(\s?(\$shell|["'](\/bin\/)?(ba)?sh)/
	condition:
		1 of ($a*) and ($s1 or (1 of ($s2, $s3) and ($s4 or $s5)) or ($re_shell and $p1)) and
		filesize < 1MB
}

rule koban_reverse_shell_other
{
	meta:
		description = "A program in Ruby, Lua, awk or JavaScript gives a shell to somebody by a socket"
		check = "malware-reverse-shell-other"
		label = "backdoor"
		severity = "critical"
		confidence = 85
		technique = "T1059"
	strings:
		$a1 = "TCPSocket"
		$a2 = "/inet/tcp/0/"
		$a3 = "socket.tcp()"
		$a4 = "child_process"
		$a_pipe = ".pipe("
		$re_ruby = /TCPSocket\.(open|new)\(.{1,160}(exec|IO\.popen|spawn)[ (].{0,60}(\/bin\/(ba)?sh|<&%d|c\.gets|cmd)/
		$re_awk = /"\/inet\/tcp\/0\/.{1,400}getline/s
		$re_awk2 = /\|\s?getline|\|&\s?getline/
		$re_lua = /os\.execute\(["'](\/bin\/)?sh -i <&3/
		$re_lua2 = /io\.popen\(.{1,80}\):read.{1,80}:send\(/
		$re_node = /\.pipe\(\s?(sh|shell|cp|proc|p)\.stdin\s?\)/
		$n1 = "net.Socket("
		$n2 = "net.connect("
		$n3 = "createConnection("
		$n4 = "/bin/sh"
		$n5 = "/bin/bash"
	condition:
		filesize < 1MB and (($a1 and $re_ruby) or ($a2 and $re_awk and $re_awk2 and $n4) or
		($a2 and $re_awk and $re_awk2) or ($a3 and 1 of ($re_lua*)) or
		($a4 and $a_pipe and $re_node and 1 of ($n1, $n2, $n3) and 1 of ($n4, $n5)))
}

rule koban_bind_shell
{
	meta:
		description = "A script waits on a port and gives a shell to whoever comes"
		check = "malware-bind-shell"
		label = "backdoor"
		severity = "critical"
		confidence = 85
		technique = "T1059.004"
	strings:
		$a1 = "-lvp"
		$a2 = "-lnvp"
		$a3 = "-nlvp"
		$a4 = "-l -p"
		$a5 = "tcp-listen:" nocase
		$a6 = "tcp4-listen:" nocase
		$re1 = /\b(nc|ncat|netcat)\s[^\n|;]{0,40}-[a-z]{0,4}l[a-z]{0,4}\s[^\n|;]{0,60}-e\s{1,3}(\/bin\/)?(ba)?sh/
		$re2 = /socat\s[^\n]{0,60}listen:\d{1,5}[^\n]{0,80}(exec|system):["']?(\/bin\/)?(ba)?sh/ nocase
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}
