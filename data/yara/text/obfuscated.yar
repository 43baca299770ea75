// SPDX-License-Identifier: Apache-2.0
// Scripts that hide what they run: decoded text that goes straight to an interpreter.

rule koban_script_base64_shell
{
	meta:
		description = "A script decodes hidden text and gives it to a shell"
		check = "malware-hidden-shell"
		label = "malware"
		severity = "high"
		confidence = 78
		technique = "T1027"
		mend = "Read what it decodes, and write it out in the open or take it out"
	strings:
		$a1 = "base64 -d"
		$a2 = "base64 --decode"
		$a3 = "base64 -D"
		$a4 = "base64 -i"
		$a5 = "openssl base64"
		$a6 = "xxd -r"
		$re1 = /(base64\s+(-d|--decode|-D|-di|-i -d)|openssl base64 -d|xxd -r -p|xxd -r)[^\n|;]{0,60}\|\s?(gunzip\s?\|\s?|gzip -dc?\s?\|\s?|zcat\s?\|\s?|xz -dc?\s?\|\s?)?(sudo\s+)?(\/bin\/)?(ba|z|da|k)?sh\b/
		$re2 = /(base64\s+(-d|--decode|-D|-di)|xxd -r -p)[^\n|;]{0,60}\|\s?(sudo\s+)?(python[23]?|perl|ruby|node|php)\b/
		$re3 = /eval\s+["']?(\$\(|`)\s?(echo|printf)\s[^\n]{16,}\|\s?(base64\s+(-d|--decode|-D)|xxd\s+-r)/
		$re4 = /(ba)?sh\s+-c\s+["']?(\$\(|`)\s?(echo|printf)\s[^\n]{16,}\|\s?base64\s+(-d|--decode|-D)/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 4MB
}

rule koban_script_python_hidden
{
	meta:
		description = "A Python program decodes hidden text and runs it"
		check = "malware-hidden-python"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1027"
		mend = "Read what it decodes, and take it out unless you know why it is hidden"
	strings:
		$a1 = "b64decode("
		$a2 = "zlib.decompress("
		$a3 = "bytes.fromhex("
		$a4 = "marshal.loads("
		$a5 = "unhexlify("
		$a6 = "lzma.decompress("
		$re1 = /\b(exec|eval)\s?\(\s?(compile\s?\(\s?)?(__import__\(\s?["'](base64|zlib|codecs|marshal|binascii)["']\s?\)\.|base64\.|zlib\.|marshal\.|codecs\.|lzma\.|bytes\.|binascii\.)?(b64decode|decompress|fromhex|loads|unhexlify|b32decode|b85decode)\s?\(/
		$re2 = /\bexec\s?\(\s?(\(\s?_\s?\)|_)\s?\(\s?b?["'][A-Za-z0-9+\/=]{40}/
		$re3 = /lambda\s+__?\s?:\s?__import__\(\s?["'](zlib|base64|marshal)["']\s?\)/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 4MB
}

rule koban_script_perl_hidden
{
	meta:
		description = "A Perl or Ruby program decodes hidden text and runs it"
		check = "malware-hidden-perl"
		label = "malware"
		severity = "high"
		confidence = 78
		technique = "T1027"
		mend = "Read what it decodes, and take it out unless you know why it is hidden"
	strings:
		$a1 = "unpack"
		$a2 = "pack("
		$a3 = "decode_base64"
		$a4 = "Base64.decode64"
		$a_eval = "eval"
		$re1 = /\beval\s?\(?\s?unpack\s?\(?\s?["']?u/
		$re2 = /\beval\s?\(?\s?pack\s?\(?\s?["']H\*/
		$re3 = /\beval\s?\(?\s?(MIME::Base64::)?decode_base64\s?\(/
		$re4 = /\beval\s?\(?\s?Base64\.decode64\s?\(/
	condition:
		$a_eval and 1 of ($a1, $a2, $a3, $a4) and 1 of ($re*) and filesize < 2MB
}

rule koban_script_javascript_hidden
{
	meta:
		description = "A JavaScript program decodes hidden text and runs it"
		check = "malware-hidden-javascript"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1027"
		mend = "Read what it decodes, and take it out unless you know why it is hidden"
	strings:
		$a1 = "Buffer.from("
		$a2 = "atob("
		$a3 = "new Buffer("
		$a4 = "fromCharCode"
		$a_eval = "eval"
		$a_function = "new Function"
		$re1 = /\beval\s?\(\s?(Buffer\.from|new Buffer)\s?\(\s?["'][A-Za-z0-9+\/=]{40,}["']\s?,\s?["'](base64|hex)["']/
		$re2 = /\beval\s?\(\s?atob\s?\(\s?["'][A-Za-z0-9+\/=]{40}/
		$re3 = /new Function\s?\(\s?(Buffer\.from|atob)\s?\(\s?["'][A-Za-z0-9+\/=]{40}/
		$re4 = /\beval\s?\(\s?String\.fromCharCode\s?\(\s?(\d{2,3}\s?,\s?){20}/
	condition:
		1 of ($a1, $a2, $a3, $a4) and 1 of ($a_*) and 1 of ($re*) and filesize < 4MB
}

rule koban_script_escaped_bytes
{
	meta:
		description = "A script writes a program out of escaped bytes or hides its commands in them"
		check = "malware-hidden-bytes"
		label = "malware"
		severity = "medium"
		confidence = 70
		technique = "T1027"
		mend = "Find out what the bytes are, and copy a file in its place"
	strings:
		$a1 = "\\x7fELF"
		$a2 = "\\x7f\\x45\\x4c\\x46"
		$a3 = "\\177ELF"
		$a4 = "f0VMRg"
		$re1 = /(echo\s+-[ne]{1,2}|printf)\s+["']?(\\x7f\\x45\\x4c\\x46|\\x7fELF|\\177ELF)/
		$re2 = /(printf|echo -ne?)\s+["']?(\\x[0-9a-f]{2}){8,}["']?\s?\|\s?(ba)?sh\b/
		$re3 = /f0VMRg[A-Za-z0-9+\/]{40}/
		$r1 = "base64"
		$r2 = "chmod +x"
		$r3 = "chmod 777"
		$r4 = "chmod 755"
		$r5 = "os.chmod"
		$r6 = "memfd_create"
	condition:
		(1 of ($re1, $re2) or ($re3 and $r1)) and 1 of ($a*) and 1 of ($r*) and
		filesize < 16MB
}

rule koban_script_pipe_to_shell_hidden_address
{
	meta:
		description = "A script fetches a program from a bare address and runs it at once"
		check = "malware-dropper-script"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1105"
		mend = "Find out what is fetched, and from whom; keep it in the image with its digest"
	strings:
		$a1 = "curl "
		$a2 = "wget "
		$a_http = "http"
		$re1 = /(curl|wget)\s[^\n|;&]{0,120}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[:\/][^\n|]{0,120}\|\s?(\/bin\/)?(ba|z|da)?sh\b/
		$re2 = /(curl|wget)\s[^\n;&]{0,120}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[:\/][^\n;&]{0,160}(;|&&)\s?chmod\s+(\+x|7\d\d|a\+x)\s[^\n;&]{1,80}(;|&&)\s?(nohup\s+)?(sudo\s+)?(\.?\/)/
		$local1 = "://127.0.0.1"
		$local2 = "://10."
		$local3 = "://192.168."
	condition:
		1 of ($a1, $a2) and $a_http and 1 of ($re*) and not 1 of ($local*) and filesize < 1MB
}

rule koban_script_onion_or_paste
{
	meta:
		description = "A script fetches code from a paste or a hidden service and runs it"
		check = "malware-dropper-paste"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1102"
		mend = "Find out what is fetched, and take the script out when nobody knows"
	strings:
		$a1 = "pastebin.com/raw"
		$a2 = ".onion"
		$a3 = "tor2web"
		$a4 = "transfer.sh/"
		$a5 = "paste.ee/r/"
		$a6 = "hastebin.com/raw"
		$a7 = "rentry.co/"
		$a8 = "ix.io/"
		$a9 = "oshi.at/"
		$re1 = /(curl|wget|urlopen|requests\.get)[^\n]{0,160}(pastebin\.com\/raw|\.onion|tor2web|transfer\.sh\/|paste\.ee\/r\/|hastebin\.com\/raw|rentry\.co\/|[\/ ]ix\.io\/|oshi\.at\/)[^\n]{0,160}(\|\s?(\/bin\/)?(ba|z|da)?sh\b|\|\s?python|\|\s?perl|;\s?(ba)?sh\s|&&\s?(ba)?sh\s|chmod)/
		$re2 = /exec\s?\([^\n]{0,80}(urlopen|requests\.get)\([^\n]{0,40}(pastebin\.com\/raw|paste\.ee\/r\/|hastebin\.com\/raw|rentry\.co\/)/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}
