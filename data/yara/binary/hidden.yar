// SPDX-License-Identifier: Apache-2.0
// Programs that hide what they are: packers and compiled scripts. Hiding is no proof of anything;
// an image has little reason for it, though.

rule koban_upx
{
	meta:
		description = "A program packed with UPX: what it does cannot be read from the file"
		check = "malware-packed-upx"
		label = "other"
		severity = "low"
		confidence = 95
		technique = "T1027.002"
		mend = "Unpack it with `upx -d` and scan it again, or ship the program as it was built"
	strings:
		$a1 = "UPX!"
	condition:
		// the marker lies behind the headers; asked so because a string with a place would be
		// remembered each time that it stands in the file
		$a1 and for any i in (0..255) : (uint32(i * 4) == 0x21585055)
}

rule koban_shc
{
	meta:
		description = "A shell script turned into a program by shc: its text is hidden by a cipher"
		check = "malware-hidden-script-shc"
		label = "other"
		severity = "medium"
		confidence = 90
		technique = "T1027"
		mend = "Ship the script itself"
	strings:
		$a1 = "E: neither argv[0] nor $_ works."
		$s1 = "has expired!"
		$s2 = "/bin/sh"
		$s3 = "=%lu %d"
		$s4 = "%lu %d%c"
	condition:
		$a1 and 1 of ($s*)
}

rule koban_gzexe
{
	meta:
		description = "A program that unpacks itself by gzexe before it runs"
		check = "malware-packed-gzexe"
		label = "other"
		severity = "low"
		confidence = 90
		technique = "T1027.002"
		mend = "Ship the program as it was built"
	strings:
		$a1 = "gztmpdir="
		$s1 = "skip="
		$s2 = "gzip -cd >"
		$s3 = "umask 77"
	condition:
		$a1 and uint16(0) == 0x2123 and 2 of ($s*)
}

rule koban_memory_loader
{
	meta:
		description = "A small program that loads another into memory and runs it from there, without a file"
		check = "malware-memory-loader"
		label = "malware"
		severity = "high"
		confidence = 70
		technique = "T1620"
	strings:
		$a1 = "fexecve"
		$a2 = "/proc/%d/fd/%d"
		$a3 = "/proc/self/fd/%i"
		$s1 = "memfd_create"
		$n1 = "http://"
		$n2 = "Host: "
		$n3 = "GET /"
		$n4 = "AES"
		$n5 = "connect"
	condition:
		1 of ($a*) and $s1 and 2 of ($n*) and filesize < 300KB
}
