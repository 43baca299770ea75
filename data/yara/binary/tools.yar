// SPDX-License-Identifier: Apache-2.0
// Tools of attackers and of those who test defences. To have them is not malicious; an image that
// serves customers has no use for them.

rule koban_port_scanner
{
	meta:
		description = "A scanner of networks (masscan, zmap, zgrab, naabu, rustscan, pnscan)"
		check = "malware-tool-scanner"
		label = "hacking"
		severity = "low"
		confidence = 90
		technique = "T1046"
		mend = "Take the scanner out, unless scanning is what the image is for"
	strings:
		$a1 = "github.com/zmap/zgrab"
		$a2 = "github.com/projectdiscovery/naabu"
		$a3 = "github.com/robertdavidgraham/masscan"
		$a4 = "masscan --"
		$a5 = "Masscan is licensed"
		$a6 = "zmap --"
		$a7 = "pnscan"
		$a8 = "RustScan"
		$a9 = "Nmap Scripting Engine"
		$s1 = "randomize-hosts"
		$s2 = "max-rate"
		$s3 = "Go build"
		$s4 = "nmap.org"
		$s5 = "blacklist-file"
		$s6 = "ports"
	condition:
		1 of ($a*) and 1 of ($s*)
}

rule koban_password_guesser
{
	meta:
		description = "A program that guesses passwords over the network (hydra, medusa, ncrack, patator, crowbar)"
		check = "malware-tool-guesser"
		label = "hacking"
		severity = "low"
		confidence = 85
		technique = "T1110"
		mend = "Take the program out, unless guessing passwords is what the image is for"
	strings:
		$a1 = "hydra.restore"
		$a2 = "www.thc.org/thc-hydra"
		$a3 = "Medusa v"
		$a4 = "ncrack.org"
		$a5 = "github.com/vanhauser-thc/thc-hydra"
		$s1 = "login"
		$s2 = "password"
		$s3 = "valid pair" nocase
		$s4 = "wordlist" nocase
	condition:
		1 of ($a*) and 2 of ($s*)
}

rule koban_password_cracker
{
	meta:
		description = "A program that cracks password hashes (John the Ripper, hashcat)"
		check = "malware-tool-cracker"
		label = "hacking"
		severity = "low"
		confidence = 85
		technique = "T1110.002"
		mend = "Take the program out, unless cracking hashes is what the image is for"
	strings:
		$a1 = "John the Ripper"
		$a2 = "hashcat.potfile"
		$a3 = "hashcat.net"
		$s1 = "wordlist" nocase
		$s2 = "potfile" nocase
		$s3 = "--show"
		$s4 = "cracked" nocase
	condition:
		1 of ($a*) and 2 of ($s*)
}

rule koban_command_and_control
{
	meta:
		description = "A client of a command-and-control framework (Sliver, Merlin, Havoc, Mythic, Meterpreter, Pupy, Platypus)"
		check = "malware-tool-c2"
		label = "hacking"
		severity = "high"
		confidence = 90
		technique = "T1219"
		mend = "Treat the image as taken over, unless it belongs to your own red team"
	strings:
		$a1 = "github.com/bishopfox/sliver"
		$a2 = "github.com/Ne0nd0g/merlin"
		$a3 = "mettle -U -u"
		$a4 = "stdapi_sys_process_execute"
		$a5 = "stdapi_fs_file_move"
		$a6 = "core_channel_open"
		$a7 = "github.com/WangYihang/Platypus"
		$a8 = "github.com/MythicAgents/"
		$a9 = "reflective_inject_load"
		$a10 = "github.com/1n7erface/"
		$a11 = "github.com/nicocha30/ligolo"
		$a12 = "github.com/redcode-labs/"
	condition:
		any of them
}

rule koban_container_escape_tool
{
	meta:
		description = "A tool that tries to break out of containers (CDK, BOtB, peirates, deepce, kdigger)"
		check = "malware-tool-container-escape"
		label = "hacking"
		severity = "high"
		confidence = 90
		technique = "T1611"
		mend = "Take the tool out, unless testing containers is what the image is for"
	strings:
		$a1 = "github.com/cdk-team/CDK"
		$a2 = "github.com/brompwnie/botb"
		$a3 = "github.com/inguardians/peirates"
		$a4 = "github.com/quarkslab/kdigger"
		$a5 = "mount-cgroup"
		$a6 = "shim-pwn"
		$s1 = "docker-sock-pwn"
		$s2 = "cap-dac-read-search"
		$s3 = "rewrite-cgroup-devices"
	condition:
		1 of ($a1, $a2, $a3, $a4) or (1 of ($a5, $a6) and 1 of ($s*))
}

rule koban_web_attack_tool
{
	meta:
		description = "A tool that probes web servers for holes (nuclei, ffuf, gobuster, dirsearch, dalfox, fscan)"
		check = "malware-tool-web"
		label = "hacking"
		severity = "low"
		confidence = 90
		technique = "T1595"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "github.com/projectdiscovery/nuclei"
		$a2 = "github.com/ffuf/ffuf"
		$a3 = "github.com/OJ/gobuster"
		$a4 = "github.com/hahwul/dalfox"
		$a5 = "github.com/shadow1ng/fscan"
		$a6 = "github.com/epi052/feroxbuster"
		$a7 = "github.com/chaitin/xray"
	condition:
		any of them
}

rule koban_process_spy
{
	meta:
		description = "A tool that watches or steals from other processes (pspy, mimipenguin, 3snake, linikatz)"
		check = "malware-tool-process-spy"
		label = "hacking"
		severity = "medium"
		confidence = 85
		technique = "T1003.007"
		mend = "Take the tool out, unless testing is what the image is for"
	strings:
		$a1 = "github.com/dominicbreuker/pspy"
		$a2 = "mimipenguin"
		$a3 = "3snake"
		$a4 = "linikatz"
	condition:
		any of them
}

rule koban_privilege_escalation_tool
{
	meta:
		description = "A program made to become root on a machine by a known hole"
		check = "malware-tool-root-exploit"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1068"
	strings:
		$a1 = "commit_creds"
		$a2 = "/proc/sys/kernel/modprobe"
		$a3 = "GCONV_PATH="
		$a4 = "/etc/passwd.bak"
		$s1 = "prepare_kernel_cred"
		$s2 = "got root" nocase
		$s3 = "spawning root shell" nocase
		$s4 = "[+] " 
		$s5 = "[-] "
		$s6 = "exploit" nocase
		$s7 = "/bin/sh"
		$s8 = "kaslr" nocase
		$s9 = "pkexec"
	condition:
		1 of ($a*) and 4 of ($s*) and filesize < 4MB
}
