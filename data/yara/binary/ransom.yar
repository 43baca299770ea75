// SPDX-License-Identifier: Apache-2.0
// Programs that lock other people's files.

rule koban_esxi_locker
{
	meta:
		description = "Ransomware for hypervisors: it ends virtual machines and locks their disks"
		check = "malware-ransom-esxi"
		label = "malware"
		severity = "critical"
		confidence = 90
		technique = "T1486"
	strings:
		$a1 = "esxcli vm process kill"
		$a2 = "vim-cmd vmsvc/"
		$a3 = "esxcli --formatter=csv"
		$s1 = ".vmdk"
		$s2 = ".vmem"
		$s3 = ".vswp"
		$s4 = ".vmsn"
		$s5 = "/vmfs/volumes"
		$e1 = "encrypt" nocase
		$e2 = ".onion"
	condition:
		1 of ($a*) and 2 of ($s*) and 1 of ($e*)
}

rule koban_linux_locker
{
	meta:
		description = "Ransomware: a program with a note to its victims that asks for money behind Tor"
		check = "malware-ransom-program"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1486"
	strings:
		$a1 = "have been encrypted" nocase
		$a2 = "files are encrypted" nocase
		$a3 = "files were encrypted" nocase
		$a4 = "data is encrypted" nocase
		$onion = ".onion"
		$s1 = "your files" nocase
		$s4 = "decrypt" nocase
		$s5 = "bitcoin" nocase
		$s6 = "Tor Browser" nocase
		$s7 = "ransom" nocase
		$s8 = "private key" nocase
		$s9 = "restore your" nocase
	condition:
		1 of ($a*) and $onion and 3 of ($s*)
}
