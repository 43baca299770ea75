// SPDX-License-Identifier: Apache-2.0
// Programs that mine, and programs that can. Each rule asks for several strings that a user of the
// program can see (options, messages, protocol), which rarely change from release to release.

rule koban_xmrig
{
	meta:
		description = "XMRig, a miner of Monero: its option names, messages and donation pool stand in the program"
		check = "malware-miner-xmrig"
		label = "cryptomining"
		family = "xmrig"
		severity = "high"
		confidence = 95
		technique = "T1496"
	strings:
		$a1 = "donate.v2.xmrig.com"
		$a2 = "donate.ssl.xmrig.com"
		$a3 = "Usage: xmrig [OPTIONS]"
		$a4 = "--randomx-1gb-pages"
		$a5 = "--donate-over-proxy"
		$a6 = "max-threads-hint"
		$s1 = "--donate-level=N"
		$s2 = "cryptonight/"
		$s3 = "cn-heavy/xhv"
		$s4 = "rx/wow"
		$s5 = "keepalived"
		$s6 = "stratum+ssl://"
		$s7 = "MEMORY ALLOC FAILED"
		$s8 = "nicehash"
		$s9 = "XMRIG_VERSION"
	condition:
		2 of ($a*) or (1 of ($a*) and 3 of ($s*))
}

rule koban_xmr_stak
{
	meta:
		description = "xmr-stak, a miner of CryptoNight coins: its configuration questions stand in the program"
		check = "malware-miner-xmr-stak"
		label = "cryptomining"
		family = "xmr-stak"
		severity = "high"
		confidence = 95
		technique = "T1496"
	strings:
		$a1 = "xmr-stak"
		$a2 = "xmr_stak"
		$s1 = "use_nicehash"
		$s2 = "pool_weight"
		$s3 = "Please enter the currency that you want to mine"
		$s4 = "pools.txt"
		$s5 = "cryptonight_"
		$s6 = "use_tls"
	condition:
		1 of ($a*) and 3 of ($s*)
}

rule koban_cpuminer
{
	meta:
		description = "cpuminer (minerd) or a program made from it: a miner that speaks Stratum"
		check = "malware-miner-cpuminer"
		label = "cryptomining"
		family = "cpuminer"
		severity = "high"
		confidence = 90
		technique = "T1496"
	strings:
		$a1 = "Usage: minerd [OPTIONS]"
		$a2 = "Usage: cpuminer [OPTIONS]"
		$a3 = "stratum_recv_line failed"
		$a4 = "Stratum requested work restart"
		$a5 = "Stratum difficulty set to"
		$s1 = "mining.subscribe"
		$s2 = "mining.authorize"
		$s3 = "mining.submit"
		$s4 = "X-Long-Polling"
		$s5 = "--algo="
		$s6 = "khash/s"
	condition:
		1 of ($a*) and 2 of ($s*)
}

rule koban_gpu_miner
{
	meta:
		description = "A miner for graphics cards (ethminer, PhoenixMiner, T-Rex, lolMiner, NBMiner, TeamRedMiner, SRBMiner or kin)"
		check = "malware-miner-gpu"
		label = "cryptomining"
		severity = "high"
		confidence = 85
		technique = "T1496"
	strings:
		$a1 = "eth_submitHashrate"
		$a2 = "PhoenixMiner"
		$a3 = "SRBMiner-MULTI"
		$a4 = "TeamRedMiner"
		$a5 = "lolMiner"
		$a6 = "NBMiner"
		$a7 = "T-Rex NVIDIA GPU miner"
		$a8 = "ccminer"
		$s1 = "eth_getWork"
		$s2 = "eth_submitWork"
		$s3 = "eth_submitLogin"
		$s4 = "EthereumStratum/1.0.0"
		$s5 = "mining.extranonce.subscribe"
		$s6 = "mining.submit"
		$s7 = "kawpow"
		$s8 = "hashrate"
		$s9 = "stratum+tcp://"
		$not = "go-ethereum" // a node serves these calls
	condition:
		1 of ($a*) and 3 of ($s*) and not $not
}

rule koban_stratum_client
{
	meta:
		description = "A program that speaks Stratum as a miner does: it subscribes, takes work and hands in shares"
		check = "malware-miner-stratum"
		label = "cryptomining"
		severity = "medium"
		confidence = 70
		technique = "T1496"
	strings:
		$a1 = "mining.submit"
		$s1 = "mining.subscribe"
		$s2 = "mining.authorize"
		$s3 = "mining.notify"
		$s4 = "mining.set_difficulty"
	condition:
		$a1 and 3 of ($s*)
}

rule koban_cryptonight_client
{
	meta:
		description = "A program that logs in to a pool of CryptoNight or RandomX coins and hands in results"
		check = "malware-miner-cryptonight"
		label = "cryptomining"
		severity = "high"
		confidence = 80
		technique = "T1496"
	strings:
		$a1 = "seed_hash"
		$a2 = "\"method\":\"login\""
		$a3 = "\"method\": \"login\""
		$s1 = "stratum+tcp"
		$s2 = "\"method\":\"submit\""
		$s3 = "\"method\": \"submit\""
		$s4 = "job_id"
		$s5 = "keepalived"
		$s6 = "cryptonight" nocase
		$s7 = "randomx" nocase
		$s8 = "accepted shares" nocase
		$s9 = "donate-level"
		$not = "bg-mining-enable" // a node of Monero
	condition:
		1 of ($a*) and 5 of ($s*) and not $not
}

rule koban_randomx
{
	meta:
		description = "A program with the RandomX proof of work in it: it can mine or verify Monero and its kin"
		check = "malware-can-mine-randomx"
		label = "miner-capable"
		severity = "info"
		confidence = 90
		mend = "Nothing, if the program is a wallet or node that you want; else find out who brought it"
	strings:
		$a1 = "RandomX\x03"
		$a2 = "randomx_create_vm"
		$a3 = "randomx_calculate_hash"
	condition:
		any of them
}

rule koban_coin_node
{
	meta:
		description = "A node or wallet of a coin that can mine when it is told to"
		check = "malware-can-mine-node"
		label = "miner-capable"
		severity = "info"
		confidence = 90
		mend = "Nothing, if the node is what the image is for; else find out who brought it"
	strings:
		$a1 = "bg-mining-enable"
		$a2 = "start_mining"
		$a3 = "miner_setEtherbase"
		$a4 = "getblocktemplate"
		$s1 = "start-mining"
		$s2 = "mining-threads"
		$s3 = "miner_start"
		$s4 = "stop_mining"
		$s5 = "submitblock"
		$s6 = "getmininginfo"
	condition:
		($a1 and 1 of ($s1, $s2)) or ($a2 and $s4) or ($a3 and $s3) or
		($a4 and $s5 and $s6)
}

rule koban_miner_proxy
{
	meta:
		description = "A proxy for miners, which gathers the work of many machines for one pool account"
		check = "malware-miner-proxy"
		label = "cryptomining"
		severity = "high"
		confidence = 85
		technique = "T1496"
	strings:
		$a1 = "xmrig-proxy"
		$a2 = "xmr-node-proxy"
		$s1 = "access-log-file"
		$s2 = "custom-diff"
		$s3 = "donate-level"
		$s4 = "reuse-timeout"
		$s5 = "stratum+tcp"
	condition:
		1 of ($a*) and 2 of ($s*)
}
