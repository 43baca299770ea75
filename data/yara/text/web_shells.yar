// SPDX-License-Identifier: Apache-2.0
// Web shells: pages that run what their visitor sends.

rule koban_web_shell_php_eval
{
	meta:
		description = "A PHP page runs what its visitor sends as code"
		check = "malware-web-shell-php"
		label = "backdoor"
		severity = "critical"
		confidence = 92
		technique = "T1505.003"
	strings:
		$a1 = "$_POST"
		$a2 = "$_GET"
		$a3 = "$_REQUEST"
		$a4 = "$_COOKIE"
		$re1 = /\b(eval|assert)\s?\(\s?(@?\s?(base64_decode|gzinflate|gzuncompress|str_rot13|stripslashes|trim|urldecode)\s?\(\s?){0,3}@?\$_(POST|GET|REQUEST|COOKIE)\b/
		$re3 = /\$_(POST|GET|REQUEST|COOKIE)\s?\[[^\]\n]{1,40}\]\s?\(\s?@?\$_(POST|GET|REQUEST|COOKIE)/
		$re4 = /array_map\s?\(\s?["'](assert|eval|system)["']/
		$re5 = /create_function\s?\(\s?["'][^"'\n]{0,20}["']\s?,\s?@?\$_(POST|GET|REQUEST|COOKIE)/
		$re6 = /preg_replace\s?\(\s?["']\/[^\n"']{0,40}\/[a-z]{0,3}e[a-z]{0,3}["']\s?,\s?@?\$_(POST|GET|REQUEST|COOKIE)/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 2MB
}

rule koban_web_shell_php_body
{
	meta:
		description = "A PHP page runs the body of a request, or a header of it, as code"
		check = "malware-web-shell-php-body"
		label = "backdoor"
		severity = "high"
		confidence = 80
		technique = "T1505.003"
	strings:
		$a1 = "php://input"
		$a2 = "$_SERVER['HTTP_"
		$a3 = "$_SERVER[\"HTTP_"
		$a4 = "getallheaders("
		$re1 = /\b(eval|assert)\s?\(\s?(base64_decode\s?\(\s?)?file_get_contents\s?\(\s?["']php:\/\/input/
		$re2 = /\b(eval|assert|system|passthru|shell_exec)\s?\(\s?(base64_decode\s?\(\s?)?@?\$_SERVER\s?\[\s?["']HTTP_/
		$re3 = /\b(eval|assert|system|passthru|shell_exec)\s?\(\s?(base64_decode\s?\(\s?)?getallheaders\s?\(/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 2MB
}

rule koban_web_shell_php_command
{
	meta:
		description = "A PHP page runs what its visitor sends as a command"
		check = "malware-web-shell-php-command"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1505.003"
	strings:
		$a1 = "$_POST"
		$a2 = "$_GET"
		$a3 = "$_REQUEST"
		$a4 = "$_COOKIE"
		$re1 = /\b(system|passthru|shell_exec|popen|proc_open|pcntl_exec)\s?\(\s?@?(base64_decode\s?\(\s?)?\$_(POST|GET|REQUEST|COOKIE)\b/
		$re2 = /[^a-z_>:]exec\s?\(\s?@?(base64_decode\s?\(\s?)?\$_(POST|GET|REQUEST|COOKIE)\b/
		$re3 = /`\s?\{?\$_(POST|GET|REQUEST|COOKIE)\b/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 2MB
}

rule koban_web_shell_php_hidden
{
	meta:
		description = "A PHP page hides its code under several layers of encoding and runs it"
		check = "malware-web-shell-php-hidden"
		label = "malware"
		severity = "high"
		confidence = 80
		technique = "T1027"
	strings:
		$a1 = "base64_decode"
		$a2 = "gzinflate"
		$a3 = "str_rot13"
		$a4 = "gzuncompress"
		$a5 = "eval(\"\\x"
		$re1 = /eval\s?\(\s?["'?>.\s]{0,8}(gzinflate|gzuncompress|gzdecode|str_rot13|strrev|convert_uudecode)\s?\(\s?(base64_decode|str_rot13|gzinflate|strrev|gzuncompress)/
		$re2 = /eval\s?\(\s?base64_decode\s?\(\s?["'][A-Za-z0-9+\/]{64}/
		$re3 = /eval\s?\(\s?"(\\x[0-9a-fA-F]{2}){12}/
		$re4 = /\$\w{1,20}\s?=\s?["']b["']\s?\.\s?["']ase?["']?\s?\.?/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 4MB
}

rule koban_web_shell_php_known
{
	meta:
		description = "A web shell that is known by name (WSO, c99, r57, b374k, p0wny, weevely, AntSword and kin)"
		check = "malware-web-shell-known"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1505.003"
	strings:
		$a1 = "FilesMan"
		$a2 = "c99shell" nocase
		$a3 = "r57shell" nocase
		$a4 = "b374k"
		$a5 = "p0wny"
		$a6 = "3c6e0b8a9c15224a"
		$a7 = "e45e329feb5d925b"
		$a8 = "antSword"
		$a9 = "IndoXploit"
		$a10 = "Safe mode: "
		$a11 = "WSO_VERSION"
		$s1 = "<?php"
		$s2 = "<%"
		$s3 = "safe_mode"
		$s4 = "shell_exec"
		$s5 = "eval("
		$s6 = "openssl_decrypt"
		$s7 = "posix_getpwuid"
		$s8 = "javax.crypto"
		$s9 = "featureShell"
	condition:
		1 of ($a*) and 1 of ($s1, $s2) and 1 of ($s3, $s4, $s5, $s6, $s7, $s8, $s9) and
		filesize < 2MB
}

rule koban_web_shell_jsp
{
	meta:
		description = "A JSP page runs what its visitor sends"
		check = "malware-web-shell-jsp"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1505.003"
	strings:
		$a1 = "getRuntime().exec("
		$a2 = "ProcessBuilder("
		$a3 = "defineClass"
		$a4 = "ScriptEngineManager"
		$a5 = "request.getParameter("
		$a6 = "request.getHeader("
		$p1 = "request.getReader()"
		$p2 = "request.getInputStream()"
		$j1 = "<%"
		$j2 = "<jsp:"
		$re1 = /exec\(\s?(new String\[\]\s?\{[^}]{0,60})?request\.get(Parameter|Header)\(/
		$s1 = "extends ClassLoader"
		$s2 = "getInputStream()"
		$s3 = "AES"
		$s4 = "BASE64Decoder"
		$s5 = "\"cmd\""
		$s6 = ".eval("
	condition:
		filesize < 1MB and 1 of ($j*) and
		(($re1 and 1 of ($a5, $a6)) or ($a3 and $s1 and 1 of ($a5, $a6, $p*)) or
		(1 of ($a1, $a2) and 1 of ($a5, $a6, $p*) and 1 of ($s2, $s3, $s4, $s5)) or
		($a4 and $s6 and 1 of ($a5, $a6, $p*)))
}

rule koban_web_shell_asp
{
	meta:
		description = "An ASP page runs what its visitor sends"
		check = "malware-web-shell-asp"
		label = "backdoor"
		severity = "critical"
		confidence = 90
		technique = "T1505.003"
	strings:
		$a1 = "request(" nocase
		$a2 = "Request.Item[" nocase
		$a3 = "Request.Form" nocase
		$a4 = "Request.QueryString" nocase
		$re1 = /<%[^%]{0,400}\b(eval|execute|executeglobal)\s?\(?\s?request\s?[.(]/ nocase
		$re2 = /<%[^%]{0,400}eval\(\s?Request\.Item\[/ nocase
		$re3 = /<%[^%]{0,400}WScript\.Shell[^%]{0,400}(\.exec|\.run)\s?\([^\n]{0,60}request/ nocase
		$re4 = /<%[^%]{0,800}ProcessStartInfo[^%]{0,400}Request\./ nocase
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}

rule koban_web_shell_script
{
	meta:
		description = "A page in Python, Node.js, Ruby or Perl runs what its visitor sends"
		check = "malware-web-shell-script"
		label = "backdoor"
		severity = "high"
		confidence = 80
		technique = "T1505.003"
	strings:
		$a1 = "request.args"
		$a2 = "request.form"
		$a3 = "request.values"
		$a4 = "req.query"
		$a5 = "req.body"
		$a6 = "FieldStorage()"
		$a7 = "QUERY_STRING"
		$a8 = "params["
		$re1 = /(os\.(popen|system)|subprocess\.(getoutput|check_output|Popen|run|call)|[^\w.]eval|[^\w.]exec)\(\s?(flask\.)?request\.(args|form|values)/
		$re2 = /(exec|execSync|eval|spawn)\(\s?req\.(query|body)\b/
		$re3 = /os\.(popen|system)\(\s?\w{0,20}\.?(getvalue|getfirst)\(/
		$re4 = /(system|`|%x\{)\s?\(?\s?#?\{?params\[/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 512KB
}
