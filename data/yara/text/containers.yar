// SPDX-License-Identifier: Apache-2.0
// Scripts that try to leave their container.

rule koban_escape_release_agent
{
	meta:
		description = "A script runs a program on the host through a control group's release_agent"
		check = "malware-escape-release-agent"
		label = "malware"
		severity = "critical"
		confidence = 90
		technique = "T1611"
	strings:
		$a1 = "release_agent"
		$s1 = "notify_on_release"
		$s2 = "cgroup.procs"
		$s3 = "upperdir"
		$s4 = "perdir="
		$s5 = "mount -t cgroup"
		$s6 = "unshare -"
		$re1 = />\s{0,3}["']?[^\s"']{0,80}release_agent/
	condition:
		$a1 and $re1 and 2 of ($s*) and filesize < 1MB
}

rule koban_escape_core_pattern
{
	meta:
		description = "A script has the host's kernel run a program when another one crashes"
		check = "malware-escape-core-pattern"
		label = "malware"
		severity = "critical"
		confidence = 80
		technique = "T1611"
	strings:
		$a1 = "/proc/sys/kernel/core_pattern"
		$re1 = /(echo|printf)\s[^\n]{0,20}["']?\|[^\n]{1,200}>\s{0,3}["']?[^\s]{0,80}\/proc\/sys\/kernel\/core_pattern/
		$s1 = "upperdir"
		$s2 = "overlay"
		$s3 = "/proc/mounts"
		$s4 = "/mnt"
		$s5 = "/host"
		$s6 = "ulimit -c"
	condition:
		$a1 and $re1 and 1 of ($s*) and filesize < 1MB
}

rule koban_escape_docker_socket
{
	meta:
		description = "A script uses Docker's socket or port to start a container that owns the host"
		check = "malware-escape-docker-socket"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1610"
	strings:
		$a1 = "docker.sock"
		$a2 = ":2375"
		$a3 = "docker -H"
		$a4 = "docker run"
		$re1 = /docker\s[^\n]{0,160}run\s[^\n]{0,200}-v\s?\/:\/[^\n]{0,200}(chroot|nsenter|--privileged)/
		$re2 = /"Binds"\s?:\s?\[\s?"\/:\/[^\n]{0,400}(chroot|"Privileged"\s?:\s?true|cron|authorized_keys)/
		$re3 = /(chroot|"Privileged"\s?:\s?true)[^\n]{0,400}"Binds"\s?:\s?\[\s?"\/:\//
	condition:
		1 of ($a*) and 1 of ($re*) and filesize < 1MB
}

rule koban_escape_nsenter
{
	meta:
		description = "A script enters the namespaces of the host's first process"
		check = "malware-escape-nsenter"
		label = "hacking"
		severity = "medium"
		confidence = 60
		technique = "T1611"
		mend = "Take the script out, unless managing its host is what the image is for"
	strings:
		$a1 = "nsenter"
		$re1 = /nsenter\s[^\n]{0,60}(-t\s?1\b|--target[= ]1\b)[^\n]{0,100}(-m|--mount|-a\b|--all)/
		$re2 = /nsenter\s[^\n]{0,60}--mount=\/(host\/)?proc\/1\/ns\/mnt/
	condition:
		$a1 and 1 of ($re*) and filesize < 1MB
}

rule koban_escape_runtime_overwrite
{
	meta:
		description = "A script lures the container runtime into opening itself for writing"
		check = "malware-escape-runtime"
		label = "malware"
		severity = "critical"
		confidence = 85
		technique = "T1611"
	strings:
		$a1 = "#!/proc/self/exe"
		$s1 = "/bin/sh"
		$s2 = "runc"
		$s3 = "/proc/"
	condition:
		$a1 and 2 of ($s*) and filesize < 1MB
}

rule koban_escape_device
{
	meta:
		description = "A script mounts or edits the host's disk from inside a container"
		check = "malware-escape-device"
		label = "malware"
		severity = "high"
		confidence = 75
		technique = "T1611"
	strings:
		$a1 = "debugfs -w"
		$a2 = "mknod "
		$re1 = /debugfs\s+-w\s[^\n]{0,60}\/dev\/(sd|vd|xvd|nvme|dm-)/
		$re2 = /mount\s[^\n]{0,40}\/dev\/(sda|vda|xvda|nvme0n1)[^\n]{0,60}[\n;&][^\n]{0,200}chroot\s/
		$s1 = "/etc/cron"
		$s2 = "authorized_keys"
		$s3 = "/etc/shadow"
		$s4 = "chroot "
	condition:
		1 of ($a*) and 1 of ($re*) and 1 of ($s*) and filesize < 512KB
}

rule koban_kubernetes_thief
{
	meta:
		description = "A script takes the pod's service account and asks the cluster for secrets or new pods with it"
		check = "malware-kubernetes-abuse"
		label = "malware"
		severity = "high"
		confidence = 70
		technique = "T1528"
	strings:
		$a1 = "/var/run/secrets/kubernetes.io/serviceaccount"
		$s1 = "Authorization: Bearer"
		$s2 = "/api/v1/secrets"
		$s3 = "hostPath"
		$s4 = "hostPID"
		$s5 = "privileged"
		$s6 = "daemonsets"
		$s7 = "/api/v1/namespaces"
		$f1 = "curl "
		$f2 = "wget "
		$x1 = "| bash"
		$x2 = "|bash"
		$x3 = "| sh"
		$x4 = "/tmp/"
		$x5 = "chroot"
	condition:
		$a1 and 3 of ($s*) and 1 of ($f*) and 1 of ($x*) and filesize < 512KB
}
