// SPDX-License-Identifier: Apache-2.0
// Libraries and modules that hide things. The exported functions themselves are judged from the ELF
// file (analyzer "backdoors"); these rules know families and the messages of their makers.

rule koban_processhider
{
	meta:
		description = "A library that hides processes from every program into which it is preloaded"
		check = "malware-rootkit-process-hider"
		label = "malware"
		severity = "critical"
		confidence = 90
		technique = "T1574.006"
	strings:
		$a1 = "%d (%[^)]s" // the name of a process, from its stat file
		$s1 = "/proc/%s/stat"
		$s2 = "/proc/self/fd/%d"
		$s3 = "readdir64"
		$s4 = "dlsym"
	condition:
		$a1 and $s1 and $s3 and $s4 and $s2 and filesize < 1MB
}

rule koban_preload_rootkit
{
	meta:
		description = "A preloaded library that hides files and connections and lets its owner in"
		check = "malware-rootkit-preload"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1574.006"
	strings:
		$a1 = "ld.so.preload"
		$s1 = "dlsym"
		$s2 = "readdir64"
		$s3 = "/proc/net/tcp"
		$s4 = "pam_authenticate"
		$s5 = "pam_open_session"
		$s6 = "__xstat64"
		$s7 = "HISTFILE"
		$s8 = "getpwnam_r"
		$s9 = "pcap_loop"
	condition:
		$a1 and $s1 and $s2 and 3 of ($s3, $s4, $s5, $s6, $s7, $s8, $s9) and filesize < 4MB
}

rule koban_rootkit_names
{
	meta:
		description = "A rootkit for Linux that is known by name (Jynx, Azazel, BEURK, vlany, bdvl, Medusa, Father)"
		check = "malware-rootkit-known"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1014"
	strings:
		$a1 = "xochikit"
		$a2 = "azazel_"
		$a3 = "BEURK_"
		$a4 = "hide_bd_"
		$a5 = "bdvinstall"
		$a6 = "vlany"
		$a7 = "JYNX"
		$a8 = "libselinux.so.so"
		$a9 = "lpe_drop_shell"
		$s1 = "dlsym"
		$s2 = "readdir"
		$s3 = "accept"
		$s4 = "preload"
	condition:
		1 of ($a*) and 3 of ($s*)
}

rule koban_lkm_rootkit
{
	meta:
		description = "A kernel module that rewrites system calls to hide itself, files or processes"
		check = "malware-rootkit-module"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1014"
	strings:
		$a1 = "vermagic="
		$s1 = "sys_call_table"
		$s2 = "kallsyms_lookup_name"
		$s3 = "getdents64"
		$s4 = "tcp4_seq_show"
		$s5 = "hide_pid"
		$s6 = "hide_file"
		$s7 = "module_hide"
		$s8 = "module_hidden"
		$s9 = "hacked_kill"
		$s10 = "hook_getdents"
		$s11 = "hooked_"
		$s12 = "ftrace_set_filter_ip"
		$s13 = "prepare_creds"
	condition:
		$a1 and 4 of ($s*)
}

rule koban_lkm_rootkit_names
{
	meta:
		description = "A kernel rootkit that is known by name (Diamorphine, Reptile, Suterusu, Adore, KBeast, Kovid)"
		check = "malware-rootkit-module-known"
		label = "malware"
		severity = "critical"
		confidence = 90
		technique = "T1014"
	strings:
		$a1 = "diamorphine"
		$a2 = "reptile_" fullword
		$a3 = "/reptile/"
		$a4 = "suterusu"
		$a5 = "adore-ng"
		$a6 = "kbeast"
		$a7 = "_h4x_"
		$a8 = "kovid"
		$a9 = "/khook/"
		$s1 = "vermagic="
		$s2 = "sys_call_table"
		$s3 = "kallsyms"
		$s4 = "insmod"
		$s5 = "getdents"
	condition:
		1 of ($a*) and 2 of ($s*)
}

rule koban_ebpf_rootkit
{
	meta:
		description = "An eBPF program that hides processes or forges what others read"
		check = "malware-rootkit-ebpf"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1014"
	strings:
		$a1 = "bpf_probe_write_user"
		$a2 = "boopkit"
		$a3 = "ebpfkit"
		$a4 = "TripleCross"
		$a5 = "handle_getdents_exit"
		$s1 = "getdents64"
		$s2 = "pid_to_hide"
		$s3 = "sudoers"
		$s4 = "tracepoint/syscalls/sys_exit_read"
		$s5 = "hide"
		$s6 = "reverse" nocase
	condition:
		2 of ($a*) or (1 of ($a2, $a3, $a4, $a5) and 2 of ($s*)) or ($a1 and 3 of ($s*))
}

rule koban_pam_backdoor
{
	meta:
		description = "A PAM module that lets a fixed password in or writes down those of others"
		check = "malware-backdoor-pam"
		label = "backdoor"
		severity = "critical"
		confidence = 80
		technique = "T1556.003"
	strings:
		$a1 = "pam_sm_authenticate"
		$s1 = "pam_get_authtok"
		$s2 = "_unix_verify_password"
		$b1 = "/tmp/." nocase
		$b2 = "/var/tmp/."
		$b3 = "/dev/shm/"
		$b4 = "user:%s pass:%s" nocase
		$b5 = "%s:%s\n"
		$b6 = "magic password" nocase
		$b7 = "backdoor" nocase
	condition:
		$a1 and 1 of ($s*) and 2 of ($b*)
}

rule koban_ssh_backdoor
{
	meta:
		description = "An SSH server or client that writes passwords down or has one of its own"
		check = "malware-backdoor-ssh"
		label = "backdoor"
		severity = "critical"
		confidence = 80
		technique = "T1554"
	strings:
		$a1 = "keyboard-interactive/pam"
		$a2 = "ssh-connection"
		$b1 = "user:%s --> pass:%s" nocase
		$b2 = "user:password --> %s:%s" nocase
		$b3 = "+user: %s +password: %s" nocase
		$b4 = "id: %s pass: %s" nocase
		$b5 = "magic_pass" nocase
		$b6 = "ssh_backdoor" nocase
		$b7 = "PasswordLogFile" nocase
	condition:
		1 of ($a*) and 1 of ($b*)
}
