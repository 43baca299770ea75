// SPDX-License-Identifier: Apache-2.0
// Scripts that bring and hide miners. A configuration of a miner is read by the analyzer "miners",
// which understands it; here are the deeds around it.

rule koban_script_kills_rivals
{
	meta:
		description = "A script that kills other people's miners, as those do who want the machine for their own"
		check = "malware-miner-rivals"
		label = "cryptomining"
		severity = "critical"
		confidence = 92
		technique = "T1489"
	strings:
		$a1 = "kdevtmpfsi"
		$a2 = "kinsing"
		$a3 = "cryptonight"
		$a4 = "stratum"
		$a5 = "minerd"
		$a6 = "xmrig"
		$a7 = "sysrv"
		$a8 = "watchbog"
		$a9 = "ddgs"
		$a10 = "kthreaddi"
		$a11 = "minexmr"
		$a12 = "monero"
		$a13 = "supportxmr"
		$a14 = "nanopool"
		$a15 = "xmr-stak"
		$k1 = "pkill -f"
		$k2 = "pkill -9"
		$k3 = "killall"
		$k4 = "xargs kill"
		$k5 = "kill -9"
	condition:
		4 of ($a*) and 1 of ($k*) and filesize < 1MB
}

rule koban_script_starts_miner
{
	meta:
		description = "A script that fetches a miner and starts it with a pool and a wallet"
		check = "malware-miner-script"
		label = "cryptomining"
		severity = "high"
		confidence = 88
		technique = "T1496"
	strings:
		$a1 = "stratum+tcp://"
		$a2 = "stratum+ssl://"
		$a3 = "xmrig"
		$a4 = "--donate-level"
		$a5 = "minerd"
		$f1 = "wget "
		$f2 = "curl "
		$f3 = "git clone"
		$f4 = "urlretrieve"
		$r1 = "chmod +x"
		$r2 = "chmod 777"
		$r3 = "chmod 755"
		$r4 = "nohup "
		$r5 = "cmake"
		$re_args = /(-o|--url[= ])\s?\S{4,80}:\d{2,5}.{0,200}(-u|--user[= ])\s?\S{8,120}/
	condition:
		1 of ($a*) and 1 of ($f*) and 1 of ($r*) and ($re_args or $a1 or $a2 or $a4) and
		filesize < 1MB
}

rule koban_script_msr
{
	meta:
		description = "A script that sets the processor's registers for RandomX, as miners do"
		check = "malware-miner-msr"
		label = "cryptomining"
		severity = "high"
		confidence = 85
		technique = "T1496"
	strings:
		$a1 = "wrmsr -a 0x1a4"
		$a2 = "wrmsr -a 0xc0011020"
		$a3 = "wrmsr -a 0xc0011022"
		$a4 = "msr allow_writes=on"
	condition:
		any of them
}

rule koban_script_hides_process
{
	meta:
		description = "A script that puts a library into every program to hide what runs"
		check = "malware-preload-script"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1574.006"
	strings:
		$a1 = "/etc/ld.so.preload"
		$re_write = /(>|tee)\s{0,3}(-a )?["']?\/etc\/ld\.so\.preload/
		$s1 = "wget "
		$s2 = "curl "
		$s3 = "gcc "
		$s4 = "base64"
		$s5 = "chattr"
		$s6 = "processhider"
	condition:
		$a1 and $re_write and 1 of ($s*) and filesize < 1MB
}

rule koban_script_takes_down_guards
{
	meta:
		description = "A script that removes the cloud's own guards before it works"
		check = "malware-guards-removed"
		label = "malware"
		severity = "high"
		confidence = 88
		technique = "T1562.001"
	strings:
		$a1 = "update.aegis.aliyun.com"
		$a2 = "/usr/local/aegis"
		$a3 = "/usr/local/qcloud/stargate"
		$a4 = "/usr/local/qcloud/YunJing"
		$a5 = "aliyun-service"
		$a6 = "cloudmonitor"
		$a7 = "bcm-agent"
		$s1 = "uninstall.sh"
		$s2 = "pkill"
		$s3 = "systemctl stop"
		$s4 = "rm -rf"
		$s5 = "setenforce 0"
		$s6 = "SELINUX=disabled"
	condition:
		2 of ($a*) and 2 of ($s*) and filesize < 1MB
}

rule koban_script_browser_miner
{
	meta:
		description = "A web page that mines on its visitors' machines"
		check = "malware-miner-web"
		label = "cryptomining"
		severity = "high"
		confidence = 85
		technique = "T1496"
	strings:
		$a1 = "CoinHive.Anonymous"
		$a2 = "coinhive.min.js"
		$a3 = "CryptoLoot.Anonymous"
		$a4 = "crypto-loot.com"
		$a5 = "webmr.js"
		$a6 = "coinimp.com"
		$a7 = "Client.Anonymous("
		$a8 = "deepMiner.Anonymous"
		$s1 = ".start("
		$s2 = "throttle"
	condition:
		1 of ($a*) and 1 of ($s*) and filesize < 1MB
}

rule koban_script_hashvault_setup
{
	meta:
		description = "A script that installs a miner as a service or at every login"
		check = "malware-miner-setup"
		label = "cryptomining"
		severity = "high"
		confidence = 85
		technique = "T1543.002"
	strings:
		$a1 = "setup_moneroocean_miner"
		$a2 = "setup_c3pool_miner"
		$a3 = "moneroocean/miner.sh"
		$a4 = "c3pool/miner.sh"
		$a5 = "moneroocean_miner.service"
		$a6 = "c3pool_miner.service"
		$a7 = "gulf.moneroocean.stream"
	condition:
		any of them
}
