// SPDX-License-Identifier: Apache-2.0
// Tools of attackers that are scripts. To have them is not malicious; an image that serves
// customers has no use for them.

rule koban_sqlmap
{
	meta:
		description = "sqlmap, which finds and uses holes in the queries of web applications"
		check = "malware-tool-sqlmap"
		label = "hacking"
		severity = "low"
		confidence = 90
		technique = "T1190"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "sqlmap.org"
		$a2 = "sqlmap developers"
		$a3 = "sqlmapproject/sqlmap"
		$s1 = "lib.core"
		$s2 = "import"
		$s3 = "<root>"
	condition:
		1 of ($a*) and 1 of ($s*) and filesize < 1MB
}

rule koban_metasploit
{
	meta:
		description = "A module or payload of Metasploit"
		check = "malware-tool-metasploit"
		label = "hacking"
		severity = "medium"
		confidence = 90
		technique = "T1203"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "Msf::Exploit"
		$a2 = "MetasploitModule"
		$a3 = "Msf::Payload"
		$a4 = "Msf::Handler"
		$a5 = "Msf::Auxiliary"
		$a6 = "metasploit-framework"
		$s1 = "class "
		$s2 = "require"
		$s3 = "include"
		$s4 = "msfconsole"
		$s5 = "msfvenom"
	condition:
		(1 of ($a1, $a2, $a3, $a4, $a5) and 1 of ($s1, $s2, $s3)) or
		($a6 and 1 of ($s4, $s5))
}

rule koban_enumeration_script
{
	meta:
		description = "A script that looks for ways to become root (LinPEAS, LinEnum, linux-exploit-suggester, unix-privesc-check)"
		check = "malware-tool-enumeration"
		label = "hacking"
		severity = "medium"
		confidence = 90
		technique = "T1082"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "linpeas" nocase
		$a2 = "LinEnum"
		$a3 = "linux-exploit-suggester"
		$a4 = "unix-privesc-check"
		$a5 = "PEASS"
		$a6 = "lse_user_id"
		$s1 = "/etc/shadow"
		$s2 = "-perm -4000"
		$s3 = "sudo -l"
		$s4 = "getcap"
		$s5 = "uname -"
		$s6 = "/etc/passwd"
	condition:
		1 of ($a*) and 3 of ($s*) and filesize < 2MB
}

rule koban_container_probe_script
{
	meta:
		description = "A script that looks for ways out of its container (deepce, amicontained and kin)"
		check = "malware-tool-container-probe"
		label = "hacking"
		severity = "high"
		confidence = 85
		technique = "T1613"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "deepce" nocase
		$a2 = "DockerSock"
		$a3 = "docker escape" nocase
		$a4 = "container escape" nocase
		$s1 = "docker.sock"
		$s2 = "release_agent"
		$s3 = "CapEff"
		$s4 = "--privileged"
		$s5 = "/proc/1/cgroup"
		$s6 = "nsenter"
		$sh = "#!"
	condition:
		1 of ($a*) and 3 of ($s*) and $sh at 0 and filesize < 512KB
}

rule koban_impacket_tools
{
	meta:
		description = "Impacket, Responder or a like tool for attacks on Windows networks"
		check = "malware-tool-windows-network"
		label = "hacking"
		severity = "low"
		confidence = 85
		technique = "T1557"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "impacket.examples"
		$a2 = "from impacket"
		$a3 = "secretsdump"
		$a4 = "ntlmrelayx"
		$a5 = "NBT-NS"
		$s1 = "SecureAuth"
		$s2 = "LLMNR"
		$s3 = "smbconnection"
		$s4 = "Fortra"
		$s5 = "NTLM"
	condition:
		1 of ($a*) and 1 of ($s*) and filesize < 1MB
}

rule koban_empire_c2
{
	meta:
		description = "A listener or stager of a command-and-control framework (Empire, Covenant, Cobalt Strike profiles, Villain, pupy)"
		check = "malware-tool-c2-script"
		label = "hacking"
		severity = "high"
		confidence = 80
		technique = "T1219"
		mend = "Treat the image as taken over, unless it belongs to your own red team"
	strings:
		$a1 = "BC-SECURITY/Empire"
		$a2 = "EmpireProject/Empire"
		$a3 = "http-stager"
		$a4 = "n1nj4sec/pupy"
		$a5 = "t3l3machus/Villain"
		$a6 = "set pipename"
		$a7 = "set spawnto_x64"
		$s1 = "stager"
		$s2 = "listener"
		$s3 = "beacon"
		$s4 = "payload"
		$s5 = "set sleeptime"
	condition:
		1 of ($a*) and 2 of ($s*) and filesize < 1MB
}

rule koban_flood_script
{
	meta:
		description = "A script that floods others with packets or requests"
		check = "malware-ddos-script"
		label = "malware"
		severity = "high"
		confidence = 82
		technique = "T1498"
	strings:
		$a1 = "random._urandom("
		$a2 = "slowloris" nocase
		$a3 = "MHDDoS"
		$a4 = "hping3"
		$a5 = "udpflood" nocase
		$a6 = "synflood" nocase
		$a7 = "HULK"
		$a8 = "goldeneye" nocase
		$a9 = "os.urandom("
		$s1 = "SOCK_DGRAM"
		$s2 = "sendto("
		$s3 = "while True"
		$s4 = "threading.Thread("
		$s5 = "--flood"
		$s6 = "keep-alive"
		$s7 = "flood" nocase
		$s8 = "target" nocase
		$s9 = "attack" nocase
	condition:
		filesize < 512KB and
		((($a1 or $a9) and $s1 and $s2 and 1 of ($s3, $s4) and 1 of ($s7, $s9)) or
		($a4 and $s5 and 1 of ($s8, $s9)) or
		($a3 and 2 of ($s*)) or
		(1 of ($a2, $a5, $a6, $a7, $a8) and $s4 and 2 of ($s6, $s7, $s8, $s9)))
}

rule koban_password_spray_script
{
	meta:
		description = "A script that tries many passwords on other people's services"
		check = "malware-guesser-script"
		label = "hacking"
		severity = "high"
		confidence = 78
		technique = "T1110"
	strings:
		$a1 = "paramiko"
		$a2 = "sshpass"
		$a3 = "telnetlib"
		$a4 = "pymysql"
		$s1 = "brute" nocase
		$s2 = "wordlist" nocase
		$s3 = "passlist" nocase
		$s4 = "combo" nocase
		$s5 = "AuthenticationException"
		$s6 = "targets.txt"
		$s7 = "ips.txt"
		$s8 = "passwords.txt"
	condition:
		1 of ($a*) and 3 of ($s*) and filesize < 512KB
}
