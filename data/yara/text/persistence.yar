// SPDX-License-Identifier: Apache-2.0
// Scripts that make sure that they come back, that spread, and that cover what they did.

rule koban_script_cron_download
{
	meta:
		description = "A script plants a cron job that fetches a program again and again"
		check = "malware-cron-dropper"
		label = "malware"
		severity = "critical"
		confidence = 88
		technique = "T1053.003"
	strings:
		$a1 = "crontab -"
		$a2 = "/var/spool/cron"
		$a3 = "/etc/cron.d/"
		$a4 = "/etc/crontab"
		$re1 = /\*\s+\*\s+\*[^\n]{0,40}(curl|wget|cdn|\/dev\/tcp)[^\n]{1,200}\|\s?(\/bin\/)?(ba|z|da)?sh\b/
		$re2 = /\*\s+\*\s+\*[^\n]{0,40}(curl|wget)\s[^\n]{1,200}(&&|;)\s?(chmod|sh|bash|\.\/)/
		$re3 = /\*\s+\*\s+\*[^\n]{0,60}base64\s+(-d|--decode)[^\n]{0,40}\|\s?(\/bin\/)?(ba)?sh\b/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}

rule koban_script_immutable
{
	meta:
		description = "A script makes its own files unchangeable, so that nobody can take them away"
		check = "malware-immutable-persistence"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1222.002"
	strings:
		$a1 = "chattr +i"
		$a2 = "chattr -R +i"
		$a3 = "chattr +ia"
		$a4 = "chattr -i"
		$a5 = "chattr -ia"
		$re1 = /chattr\s[^\n]{0,12}[+-][ia]{1,3}[^\n]{0,60}(cron|authorized_keys|ld\.so\.preload|\/tmp\/|\/var\/tmp|rc\.local|\.bashrc|\/etc\/passwd|\/etc\/hosts)/
		$s1 = "wget "
		$s2 = "curl "
		$s3 = "/dev/null"
	condition:
		1 of ($a*) and $re1 and 1 of ($s*) and filesize < 1MB
}

rule koban_script_plants_key
{
	meta:
		description = "A script adds a public key to authorized_keys, which lets its owner in"
		check = "malware-key-planted"
		label = "backdoor"
		severity = "high"
		confidence = 75
		technique = "T1098.004"
		mend = "Ask whose key it is; take the script out when nobody knows"
	strings:
		$a1 = "authorized_keys"
		$re1 = /(echo|printf)\s[^\n]{0,12}(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp256|ssh-dss)\s+AAAA[^\n]{60,2000}>{1,2}\s?[^\n]{0,80}authorized_keys/
	condition:
		$a1 and $re1 and filesize < 1MB
}

rule koban_script_ssh_worm
{
	meta:
		description = "A script logs in to every host that it finds in others' known_hosts and keys, and starts itself there"
		check = "malware-worm-ssh"
		label = "malware"
		severity = "critical"
		confidence = 90
		technique = "T1021.004"
	strings:
		$a1 = "known_hosts"
		$s1 = "StrictHostKeyChecking=no"
		$s2 = "BatchMode=yes"
		$s3 = "id_rsa"
		$s4 = ".bash_history"
		$re1 = /(curl|wget)[^\n]{1,200}\|\s?(\/bin\/)?(ba)?sh\b/
		$re2 = /for\s+\w{1,20}\s+in\s/
	condition:
		$a1 and $s1 and 1 of ($s2, $s3, $s4) and $re1 and $re2 and filesize < 1MB
}

rule koban_script_service_worm
{
	meta:
		description = "A script looks for open Docker, Redis or Kubernetes services and starts itself there"
		check = "malware-worm-service"
		label = "malware"
		severity = "critical"
		confidence = 88
		technique = "T1210"
	strings:
		$a1 = "masscan"
		$a2 = "zgrab"
		$a3 = "pnscan"
		$a4 = "config set dir"
		$s1 = "2375"
		$s2 = "6379"
		$s3 = "10250"
		$s4 = "docker -H"
		$s5 = "redis-cli"
		$s6 = "/var/spool/cron"
		$s7 = "--rate"
		$s8 = "dbfilename"
		$s9 = "containers/create"
		$f1 = "curl "
		$f2 = "wget "
	condition:
		1 of ($a*) and 3 of ($s*) and 1 of ($f*) and filesize < 1MB
}

rule koban_script_covers_tracks
{
	meta:
		description = "A script keeps its commands out of the history and wipes logs"
		check = "malware-tracks-covered"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1070.003"
	strings:
		$a1 = "unset HISTFILE"
		$a2 = "HISTFILE=/dev/null"
		$a3 = "HISTSIZE=0"
		$a4 = "history -c"
		$a5 = "set +o history"
		$s1 = "/var/log/wtmp"
		$s2 = "/var/log/secure"
		$s3 = "/var/log/lastlog"
		$s4 = "/var/log/auth.log"
		$s5 = "/var/spool/mail/root"
		$s6 = ".bash_history"
		$re1 = /(>|rm -r?f?|echo\s[^\n]{0,8}>|shred|cat \/dev\/null\s?>)\s{0,2}\/var\/(log|spool\/mail)\//
	condition:
		1 of ($a*) and 2 of ($s*) and $re1 and filesize < 512KB
}

rule koban_script_drops_defences
{
	meta:
		description = "A script turns off firewall and SELinux, then fetches and starts a program"
		check = "malware-defences-dropped"
		label = "malware"
		severity = "high"
		confidence = 78
		technique = "T1562.004"
	strings:
		$a1 = "iptables -F"
		$a2 = "ufw disable"
		$a3 = "setenforce 0"
		$a4 = "systemctl stop firewalld"
		$a5 = "SELINUX=disabled"
		$a6 = "echo 0 >/proc/sys/kernel/nmi_watchdog"
		$a7 = "kernel.nmi_watchdog=0"
		$re1 = /(curl|wget)\s[^\n]{1,200}(\|\s?(\/bin\/)?(ba)?sh\b|\/tmp\/|\/var\/tmp\/|\/dev\/shm\/)/
		$re2 = /chmod\s+(\+x|7\d\d)\s[^\n]{0,80}(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/)/
		$re3 = /\/(tmp|var\/tmp|dev\/shm)\/\.[a-z0-9]/
	condition:
		2 of ($a*) and 2 of ($re*) and filesize < 512KB
}

rule koban_script_bot_loader
{
	meta:
		description = "A script fetches the same program for every kind of processor and starts whatever runs"
		check = "malware-bot-loader"
		label = "malware"
		severity = "critical"
		confidence = 92
		technique = "T1105"
	strings:
		$a1 = "mipsel" nocase
		$a2 = "mpsl"
		$a3 = "armv7l"
		$a4 = ".arm7"
		$a5 = ".sh4"
		$a6 = ".m68k"
		$a7 = ".x86"
		$a8 = ".ppc"
		$f1 = "wget http"
		$f2 = "curl -O http"
		$f3 = "tftp "
		$f4 = "ftpget"
		$f5 = "busybox wget"
		$c1 = "chmod 777"
		$c2 = "chmod +x"
		$re1 = /cd\s\/tmp\s?\|\|\s?cd\s\/(var\/run|mnt|root|var|dev)/
	condition:
		filesize < 256KB and 1 of ($c*) and 1 of ($f*) and
		(4 of ($a*) or ($re1 and 2 of ($a*)))
}
