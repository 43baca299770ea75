// SPDX-License-Identifier: Apache-2.0
// Scripts that gather credentials and send them away.

rule koban_cloud_metadata_thief
{
	meta:
		description = "A script reads the cloud's credentials from its metadata address and sends them away"
		check = "malware-stealer-metadata"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1552.005"
	strings:
		$a1 = "169.254.169.254"
		$a2 = "169.254.170.2"
		$a3 = "metadata.google.internal"
		$s1 = "security-credentials"
		$s2 = "service-accounts/default/token"
		$s3 = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
		$s4 = "identity/oauth2/token"
		$re1 = /curl\s[^\n]{0,200}(-F|--form|--upload-file|-T|-d|--data|--data-binary|--data-urlencode)\s?["']?[^\n]{0,40}[@$<][^\n]{0,200}https?:\/\//
		$re2 = /curl\s[^\n]{0,120}https?:\/\/[^\n]{1,120}(-F|--form|--upload-file|-T|--data-binary)\s?["']?[^\n]{0,40}[@$<]/
		$re3 = /wget\s[^\n]{0,120}--post-file/
	condition:
		1 of ($a*) and 1 of ($s*) and 1 of ($re*) and filesize < 512KB
}

rule koban_credential_collector
{
	meta:
		description = "A script gathers credential files of many programs and sends them away"
		check = "malware-stealer-files"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1552.001"
	strings:
		$a1 = ".aws/credentials"
		$a2 = ".git-credentials"
		$a3 = ".docker/config.json"
		$a4 = "/.kube/config"
		$a5 = ".ssh/id_rsa"
		$s1 = ".netrc"
		$s2 = ".pgpass"
		$s3 = ".s3cfg"
		$s4 = ".boto"
		$s5 = "gcloud/credentials.db"
		$s6 = "gcloud/access_tokens.db"
		$s7 = ".npmrc"
		$s8 = ".bash_history"
		$s9 = "/etc/shadow"
		$s10 = "ngrok.yml"
		$s11 = ".mysql_history"
		$u1 = "curl -F"
		$u2 = "--upload-file"
		$u3 = "--data-binary"
		$u4 = "curl -T"
		$u5 = "--post-file"
		$u6 = "curl -X POST"
		$u7 = "requests.post("
		$u8 = "transfer.sh"
		$u9 = "api.telegram.org"
		$u10 = "discord.com/api/webhooks"
	condition:
		2 of ($a*) and 4 of ($a*, $s*) and 1 of ($u*) and filesize < 512KB
}

rule koban_environment_thief
{
	meta:
		description = "A script sends all environment variables, with the secrets in them, to somebody"
		check = "malware-stealer-environment"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1552"
	strings:
		$a1 = "$(env"
		$a2 = "`env"
		$a3 = "$(printenv"
		$a4 = "/proc/self/environ"
		$a5 = "process.env"
		$a6 = "os.environ"
		$a7 = "/proc/*/environ"
		$a8 = "$( env"
		$a9 = "$( printenv"
		$a10 = "`printenv"
		$a11 = "env|"
		$a12 = "env |"
		$a13 = "env\t|"
		$re1 = /curl\s[^\n]{0,160}(-d|--data|--data-binary|--data-raw|-F)\s?["']?[^\n]{0,30}(\$\(|`)\s?(env|printenv|cat\s+\/proc\/(self|\*)\/environ)[^\n]{0,60}/
		$re2 = /(requests|urllib3?|http\.client)[^\n]{0,60}(post|request|urlopen)\([^\n]{1,120}(dict\(os\.environ\)|os\.environ\)|str\(os\.environ)/
		$re3 = /JSON\.stringify\(process\.env\)[^\n]{0,300}(https?\.request|fetch\(|\.write\()/
		$re4 = /(fetch\(|https?\.request)[^\n]{0,300}JSON\.stringify\(process\.env\)/
		$re5 = /\benv[ \t]?\|\s?(base64[^\n|]{0,20}\|\s?)?(curl|nc|wget)\s/
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 512KB
}

rule koban_shadow_thief
{
	meta:
		description = "A script sends the system's password file to somebody"
		check = "malware-stealer-shadow"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1003.008"
	strings:
		$a1 = "/etc/shadow"
		$re1 = /cat\s+\/etc\/shadow[^\n]{0,80}\|\s?[^\n]{0,60}(curl|nc|ncat|wget|openssl s_client)\s/
		$re2 = /(curl|wget)\s[^\n]{0,160}(@|--post-file[= ]|-T\s?|--upload-file\s)["']?\/etc\/shadow/
		$re3 = /\b(nc|ncat)\s[^\n]{1,80}<\s?\/etc\/shadow/
	condition:
		$a1 and 1 of ($re*) and filesize < 1MB
}

rule koban_package_install_thief
{
	meta:
		description = "A package's install script looks up who installs it and tells an address outside"
		check = "malware-stealer-package"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1195.002"
	strings:
		$a1 = "os.hostname()"
		$a2 = "socket.gethostname()"
		$a3 = "os.userInfo()"
		$a4 = "getpass.getuser()"
		$c1 = "oast.fun"
		$c2 = "oast.pro"
		$c3 = "oast.live"
		$c4 = "oast.site"
		$c5 = "oast.me"
		$c6 = "oastify.com"
		$c7 = "burpcollaborator.net"
		$c8 = "interact.sh"
		$c9 = "pipedream.net"
		$c10 = "requestbin"
		$c11 = "webhook.site"
		$c12 = "canarytokens.com"
		$c13 = "dnslog.cn"
		$c14 = "discord.com/api/webhooks"
		$c15 = "api.telegram.org/bot"
	condition:
		1 of ($a*) and 1 of ($c*) and filesize < 512KB
}

rule koban_login_page_thief
{
	meta:
		description = "A page for phishing: it keeps what its visitor typed and sends him on to the real one"
		check = "malware-phishing-page"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1566"
	strings:
		$a1 = "$_POST['passwd']"
		$a2 = "$_POST['password']"
		$a3 = "$_POST['pass']"
		$a4 = "$_POST[\"password\"]"
		$s1 = "$_SERVER['REMOTE_ADDR']"
		$s2 = "mail("
		$s3 = "api.telegram.org/bot"
		$s4 = "file_put_contents("
		$s5 = "fopen("
		$re1 = /header\s?\(\s?["']Location:\s?https:\/\/(www\.|accounts\.|login\.|m\.)?(paypal|facebook|google|instagram|microsoftonline|live|netflix|apple|linkedin|amazon|binance|coinbase)\./ nocase
	condition:
		1 of ($a*) and 1 of ($s*) and $re1 and filesize < 512KB
}

rule koban_clipboard_keys_logger
{
	meta:
		description = "A program writes down what is typed and sends it away"
		check = "malware-keylogger"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1056.001"
	strings:
		$a1 = "pynput.keyboard"
		$a2 = "from pynput import keyboard"
		$a3 = "/dev/input/event"
		$a4 = "strace -e read,write -p"
		$s1 = "smtplib"
		$s2 = "requests.post("
		$s3 = "socket.socket("
		$s4 = "ftplib"
		$s5 = "api.telegram.org"
		$s6 = "discord.com/api/webhooks"
		$k1 = "on_press"
		$k2 = "keylog" nocase
		$k3 = "struct.unpack"
	condition:
		1 of ($a*) and 1 of ($s*) and 1 of ($k*) and filesize < 512KB
}
