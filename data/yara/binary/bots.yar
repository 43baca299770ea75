// SPDX-License-Identifier: Apache-2.0
// Bots that attack others on command. Sources: what analysts have published about how these
// families name their commands, files and messages.

rule koban_mirai_plain
{
	meta:
		description = "A bot of the Mirai kind: it logs in to devices through BusyBox and keeps their watchdog quiet"
		check = "malware-bot-mirai"
		label = "malware"
		family = "mirai"
		severity = "critical"
		confidence = 90
		technique = "T1498"
	strings:
		$a1 = "/bin/busybox MIRAI"
		$a2 = "MIRAI: applet not found"
		$a3 = "/dev/misc/watchdog"
		$a4 = "TSource Engine Query"
		$a5 = "/bin/busybox wget http"
		$a6 = "/bin/busybox tftp"
		$s1 = "/dev/watchdog"
		$s2 = "/proc/net/tcp"
		$s3 = "applet not found"
		$s4 = "ncorrect"
		$s5 = "enable"
		$s6 = "linuxshell"
		$s7 = "/bin/busybox"
		$s8 = "chmod 777"
		$not = "BusyBox is a multi-call binary"
	condition:
		not $not and ((1 of ($a1, $a2) and 1 of ($s*)) or (1 of ($a*) and 5 of ($s*)))
}

rule koban_mirai_hidden
{
	meta:
		description = "A bot of the Mirai kind: the family's strings stand in it under the family's key"
		check = "malware-bot-mirai-hidden"
		label = "malware"
		family = "mirai"
		severity = "critical"
		confidence = 95
		technique = "T1498"
	strings:
		$a1 = "\x0d\x40\x4b\x4c\x0d\x40\x57\x51\x5b\x40\x4d\x5a" // /bin/busybox, under 0x22
		$a2 = "\x43\x52\x52\x4e\x47\x56\x02\x4c\x4d\x56\x02\x44\x4d\x57\x4c\x46" // applet not found, under 0x22
		$a3 = "\x0d\x46\x47\x54\x0d\x55\x43\x56\x41\x4a\x46\x4d\x45" // /dev/watchdog, under 0x22
		$a4 = "\x76\x71\x4d\x57\x50\x41\x47\x02\x67\x4c\x45\x4b\x4c\x47\x02\x73\x57\x47\x50\x5b" // TSource Engine Query, under 0x22
		$s1 = "\x0d\x46\x47\x54\x0d\x4f\x4b\x51\x41\x0d\x55\x43\x56\x41\x4a\x46\x4d\x45" // /dev/misc/watchdog
		$s2 = "\x0d\x52\x50\x4d\x41\x0d\x4c\x47\x56\x0d\x56\x41\x52" // /proc/net/tcp
		$s3 = "\x4c\x41\x4d\x50\x50\x47\x41\x56" // ncorrect
		$s4 = "\x43\x51\x51\x55\x4d\x50\x46" // assword
		$s5 = "\x0d\x4f\x43\x52\x51" // /maps
		$s6 = "\x0d\x52\x50\x4d\x41\x0d" // /proc/
	condition:
		1 of ($a*) and 3 of them
}

rule koban_gafgyt
{
	meta:
		description = "A bot of the Gafgyt (BASHLITE) kind: its commands and answers stand in it"
		check = "malware-bot-gafgyt"
		label = "malware"
		family = "gafgyt"
		severity = "critical"
		confidence = 90
		technique = "T1498"
	strings:
		$a1 = "LOLNOGTFO"
		$a2 = "KILLATTK"
		$a3 = "GETLOCALIP"
		$a4 = "None Killed."
		$a5 = "BOGOMIPS: "
		$s1 = "SCANNER ON | OFF"
		$s2 = "My IP: %s"
		$s3 = "Killed %d."
		$s4 = "Link closed by server."
		$s5 = "HOLD Flooding"
		$s6 = "JUNK Flooding"
		$s7 = "UDP Flooding"
		$s8 = "TCP Flooding"
		$s9 = "buf: %s"
	condition:
		2 of ($a*) or (1 of ($a*) and 2 of ($s*))
}

rule koban_tsunami
{
	meta:
		description = "A bot of the Tsunami (Kaiten) kind, which takes its orders from IRC"
		check = "malware-bot-tsunami"
		label = "malware"
		family = "tsunami"
		severity = "critical"
		confidence = 95
		technique = "T1498"
	strings:
		$a1 = "NOTICE %s :TSUNAMI"
		$a2 = "NOTICE %s :Kaiten wa goraku"
		$a3 = "NOTICE %s :GETSPOOFS"
		$a4 = "NOTICE %s :SPOOFS"
		$a5 = "NOTICE %s :PAN <target>"
		$a6 = "NOTICE %s :UNKNOWN <target>"
		$a7 = "NOTICE %s :KILLALL"
		$a8 = "NOTICE %s :Removed all spoofs"
	condition:
		2 of them
}

rule koban_xorddos
{
	meta:
		description = "The bot XorDDoS: its key and the places where it settles stand in it"
		check = "malware-bot-xorddos"
		label = "malware"
		family = "xorddos"
		severity = "critical"
		confidence = 95
		technique = "T1498"
	strings:
		$a1 = "BB2FA36AAA9541F0"
		$a2 = "/etc/cron.hourly/gcc.sh"
		$a3 = "/var/run/gcc.pid"
		$a4 = "/lib/libudev.so.6"
		$s1 = "/etc/init.d/%s"
		$s2 = "*/3 * * * * root"
		$s3 = "GETSPOOF"
		$s4 = "/proc/%d/exe"
		$s5 = "--add"
	condition:
		2 of ($a*) or (1 of ($a*) and 3 of ($s*))
}

rule koban_billgates
{
	meta:
		description = "A bot of the BillGates (Elknot, ChinaZ) kind: the files of its gates and services are named in it"
		check = "malware-bot-billgates"
		label = "malware"
		family = "billgates"
		severity = "critical"
		confidence = 90
		technique = "T1498"
	strings:
		$a1 = "/tmp/moni.lod"
		$a2 = "/tmp/gates.lod"
		$a3 = "/tmp/bill.lock"
		$a4 = "DbSecuritySpt"
		$a5 = "CAttackBase"
		$a6 = "CThreadAttackKernel"
		$s1 = "/usr/bin/bsd-port"
		$s2 = "selinux"
		$s3 = "CUpdateGates"
		$s4 = "CSysTool"
	condition:
		2 of ($a*) or (1 of ($a*) and 2 of ($s*))
}

rule koban_aesddos
{
	meta:
		description = "A bot of the AESDDoS (Dofloo) kind: the greeting that it sends to its master stands in it"
		check = "malware-bot-aesddos"
		label = "malware"
		family = "aesddos"
		severity = "critical"
		confidence = 90
		technique = "T1498"
	strings:
		$a1 = "VERSONEX:Linux-"
		$a2 = "VERSONEX:"
		$s1 = "INFO:%.2f%%"
		$s2 = "|%d MHz|"
		$s3 = "Hacker"
		$s4 = "/proc/cpuinfo"
	condition:
		$a1 or ($a2 and 2 of ($s*))
}

rule koban_kinsing
{
	meta:
		description = "The worm Kinsing, which brings miners: names of its functions and files stand in it"
		check = "malware-worm-kinsing"
		label = "malware"
		family = "kinsing"
		severity = "critical"
		confidence = 90
		technique = "T1496"
	strings:
		$a1 = "kdevtmpfsi"
		$a2 = "main.redisBrute"
		$a3 = "main.masscan"
		$a4 = "main.minerRunningCheck"
		$s1 = "main.backconnect"
		$s2 = "main.downloadAndExecute"
		$s3 = "main.taskWithScanWorker"
		$s4 = "main.getActiveC2CUrl"
		$s5 = "/tmp/kinsing"
		$s6 = "main.syncCmd"
	condition:
		2 of ($a*) or (1 of ($a*) and 2 of ($s*))
}

rule koban_worm_ssh_redis
{
	meta:
		description = "A program that spreads by itself: it guesses passwords of SSH and writes cron files through Redis"
		check = "malware-worm-ssh-redis"
		label = "malware"
		severity = "critical"
		confidence = 80
		technique = "T1110"
	strings:
		$a1 = "config set dbfilename"
		$a2 = "CONFIG SET dbfilename"
		$a3 = "config set dir /var/spool/cron"
		$s1 = "/var/spool/cron"
		$s2 = "authorized_keys"
		$s3 = "golang.org/x/crypto/ssh"
		$s4 = "StrictHostKeyChecking=no"
		$s5 = "slaveof"
		$s6 = "*/1 * * * *"
		$s7 = "| bash"
		$s8 = "|sh"
	condition:
		1 of ($a*) and 4 of ($s*)
}

rule koban_irc_bot
{
	meta:
		description = "A program that joins an IRC channel and runs what it is told there, or floods others"
		check = "malware-bot-irc"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1071"
	strings:
		$a1 = "PRIVMSG %s :"
		$a2 = "PRIVMSG #"
		$s1 = "NICK %s"
		$s2 = "JOIN %s :%s"
		$s3 = "USER %s "
		$d1 = "flood" nocase
		$d2 = "udpflood" nocase
		$d3 = "synflood" nocase
		$d4 = "/bin/sh"
		$d5 = "port scan" nocase
		$d6 = "exploit" nocase
	condition:
		1 of ($a*) and 2 of ($s*) and 3 of ($d*)
}

rule koban_go_ddos
{
	meta:
		description = "A program that floods others by several methods on command"
		check = "malware-ddos-tool"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1498"
	strings:
		$a1 = "udpflood" nocase
		$a2 = "synflood" nocase
		$a3 = "httpflood" nocase
		$a4 = "slowloris" nocase
		$a5 = "ackflood" nocase
		$a6 = "UDP-FLOOD" nocase
		$a7 = "vseattack" nocase
		$a8 = "stdhexflood" nocase
	condition:
		3 of them
}
