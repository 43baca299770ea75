// SPDX-License-Identifier: Apache-2.0
// Notes of blackmailers, bots that are scripts, and settings of tunnels.

rule koban_ransom_note
{
	meta:
		description = "A note to a victim: files are locked, and money is wanted for the key"
		check = "malware-ransom-note"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1486"
	strings:
		$a1 = "have been encrypted" nocase
		$a2 = "files are encrypted" nocase
		$a3 = "has been encrypted" nocase
		$a4 = "files were encrypted" nocase
		$a5 = "your data was stolen" nocase
		$s1 = "bitcoin" nocase
		$s2 = ".onion"
		$s3 = "Tor Browser" nocase
		$s4 = "decryption key" nocase
		$s5 = "decryptor" nocase
		$s6 = "monero" nocase
		$s7 = "ransom" nocase
		$s8 = "pay " nocase
		$s9 = "wallet" nocase
		$y1 = "your files" nocase
		$y2 = "all your" nocase
		$y3 = "your network" nocase
		$y4 = "your server" nocase
		$y5 = "your data" nocase
	condition:
		1 of ($a*) and 3 of ($s*) and 1 of ($y*) and filesize < 128KB
}

rule koban_locker_script
{
	meta:
		description = "A script locks files one by one and leaves a note"
		check = "malware-ransom-script"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1486"
	strings:
		$a1 = "openssl enc"
		$a2 = "openssl aes-256-cbc"
		$a3 = "gpg --batch"
		$a4 = "Fernet("
		$a5 = "openssl rsautl -encrypt"
		$f1 = "find /"
		$f2 = "os.walk("
		$d1 = "shred"
		$d2 = "rm -rf"
		$d3 = "rm -f"
		$d4 = "os.remove("
		$n1 = "bitcoin" nocase
		$n2 = ".onion"
		$n3 = "ransom" nocase
		$n4 = "decrypt your" nocase
		$n5 = "/etc/motd"
	condition:
		1 of ($a*) and 1 of ($f*) and 1 of ($d*) and 2 of ($n*) and filesize < 256KB
}

rule koban_script_irc_bot
{
	meta:
		description = "A script joins an IRC channel and runs what it is told there"
		check = "malware-bot-irc-script"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1071"
	strings:
		$a1 = "PRIVMSG"
		$s1 = "NICK "
		$s2 = "JOIN "
		$s3 = "PONG "
		$x1 = "udpflood" nocase
		$x2 = "tcpflood" nocase
		$x3 = "portscan" nocase
		$x4 = "httpflood" nocase
		$x5 = "!killme"
		$x6 = "@portas"
		$x7 = "/bin/sh"
		$x8 = "backconnect" nocase
		$x9 = "fakeproc" nocase
	condition:
		$a1 and 2 of ($s*) and 2 of ($x*) and filesize < 512KB
}

rule koban_telegram_shell
{
	meta:
		description = "A program takes commands from a chat (Telegram, Discord) and runs them in a shell"
		check = "malware-bot-chat"
		label = "backdoor"
		severity = "high"
		confidence = 75
		technique = "T1102.002"
	strings:
		$a1 = "api.telegram.org/bot"
		$a2 = "telebot.TeleBot("
		$a3 = "discord.Client("
		$a4 = "/getUpdates"
		$re1 = /(os\.popen|subprocess\.(getoutput|check_output|Popen|run)|os\.system|execSync|shell_exec)\s?\(\s?\$?(message|msg|cmd|command|update|text|m)(\.|\[|\)|,)/
		$re2 = /\bbash\s+-c\s+["']?\$(cmd|command|message|text|msg)\b/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 512KB
}

rule koban_tunnel_config
{
	meta:
		description = "Settings of a tunnel or proxy that passes filters (V2Ray, Xray, sing-box, Trojan, frp)"
		check = "malware-tunnel-config"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 88
		technique = "T1090"
		mend = "Take it out, unless the proxy is what the image is for"
	strings:
		$a1 = "\"vmess\""
		$a2 = "\"vless\""
		$a3 = "\"trojan\""
		$a4 = "\"shadowsocks\""
		$a5 = "[common]"
		$a6 = "\"server_port\""
		$s1 = "\"inbounds\""
		$s2 = "\"outbounds\""
		$s3 = "\"streamSettings\""
		$s4 = "\"wsSettings\""
		$s5 = "\"clients\""
		$s6 = "\"alterId\""
		$f1 = "server_addr"
		$f2 = "server_port"
		$f3 = "remote_port"
		$h1 = "\"method\""
		$h2 = "\"password\""
		$h3 = "\"local_port\""
		$h4 = "\"plugin_opts\""
		$h5 = "chacha20-ietf-poly1305"
	condition:
		filesize < 128KB and
		((1 of ($a1, $a2, $a3, $a4) and 2 of ($s*)) or ($a5 and all of ($f*)) or
		($a6 and $h1 and $h2 and 1 of ($h3, $h4, $h5)))
}

rule koban_reverse_tunnel_script
{
	meta:
		description = "A script keeps a tunnel open from inside to a machine outside (ssh -R, ngrok, chisel)"
		check = "malware-reverse-tunnel"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 72
		technique = "T1572"
		mend = "Ask who comes in by it; take it out when nobody knows"
	strings:
		$a1 = "ssh -"
		$a2 = "autossh"
		$a3 = "ngrok tcp"
		$a4 = "ngrok authtoken"
		$a5 = "chisel client"
		$a6 = "cloudflared tunnel"
		$re1 = /(auto)?ssh\s[^\n]{0,120}-R\s?[^\n]{0,40}:(22|localhost:22|127\.0\.0\.1:22)\b[^\n]{0,120}@/
		$re2 = /ngrok\s+(tcp|authtoken)\s/
		$re3 = /chisel client\s[^\n]{1,120}R:/
		$re4 = /cloudflared tunnel\s[^\n]{0,60}(--url\s|run --token|--token)/
		$sh = "#!"
	condition:
		1 of ($a*) and 1 of ($re*) and $sh at 0 and filesize < 128KB
}
