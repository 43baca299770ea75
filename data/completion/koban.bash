# SPDX-License-Identifier: Apache-2.0
# bash completion for koban
_koban() {
	local cur prev verb words cword
	if declare -F _init_completion >/dev/null; then
		_init_completion -n = || return
	else
		cur=${COMP_WORDS[COMP_CWORD]}
		prev=${COMP_WORDS[COMP_CWORD - 1]}
		words=("${COMP_WORDS[@]}")
		cword=$COMP_CWORD
	fi

	local keys="config_files[]= watch_config_files= rules_files[]= priority= rule_matching=
		json_output= time_format_iso_8601= fold.enabled= fold.window= stdout_output.enabled=
		stdout_output.format= file_output.enabled= file_output.filename= file_output.max_size=
		file_output.keep_files= syslog_output.enabled= syslog_output.address=
		syslog_output.facility= program_output.enabled= program_output.program=
		http_output.enabled= http_output.url= http_output.headers[]= http_output.insecure=
		outputs_queue.capacity= spool.dir= spool.max_bytes= spool.memory_dir=
		store_output.enabled= store_output.address= store_output.around= webserver.enabled=
		webserver.listen_address= webserver.listen_port= console.listen= console.data=
		console.store= console.ingest= console.tls_cert= console.tls_key= console.hosts[]=
		console.user= console.max_age= console.max_bytes= console.session_idle=
		console.session_max= sensor.ring_bytes= sensor.snaplen= sensor.priority_boost=
		sensor.all_events= state.max_processes= state.host_root= log_level="

	if ((cword == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "up watch serve capture replay read chisels top rules fields events image store --help --version" -- "$cur")
		return
	fi
	verb=${words[1]}
	if [[ $verb == image ]]; then
		if ((cword == 2)) && [[ $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "scan explain detonate crawl stats sbom --help" -- "$cur")
			return
		fi
		case $prev in
		--format)
			mapfile -t COMPREPLY < <(compgen -W "$(koban image scan --help 2>/dev/null |
				sed -n '/^forms:/,/^$/s/^  \([^ ]*\).*/\1/p')" -- "$cur")
			return
			;;
		--only)
			mapfile -t COMPREPLY < <(compgen -W "$(koban image scan --help 2>/dev/null |
				sed -n '/^analyzers:/,/^$/s/^  \([^ ]*\).*/\1/p')" -- "$cur")
			return
			;;
		--fail-on)
			mapfile -t COMPREPLY < <(compgen -W "critical high medium low info malicious
				suspicious risky unknown" -- "$cur")
			return
			;;
		--platform)
			mapfile -t COMPREPLY < <(compgen -W "all linux/amd64 linux/arm64" -- "$cur")
			return
			;;
		esac
		compopt -o filenames
		local scan="--only --yara --secrets --cache --no-cache --ignore --threads -o --output"
		local run="-M --seconds --memory --processes --cpu --disk --rights --runtime -r --rules
			--record --scratch --no-scan"
		local crawl="--registry --list --tags -j --jobs --again --failed"
		case ${words[2]} in
		scan | sbom) run='' crawl='' ;;
		detonate) scan='' crawl='' ;;
		crawl) run='' ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$scan $run $crawl --progress --format --json --all --fail-on --feed
				--platform --local --root --mirror --insecure
				--user --password-file --ca-file -q --quiet --help" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	fi
	if [[ $verb == read ]]; then
		case $prev in
		-t | --timetype)
			mapfile -t COMPREPLY < <(compgen -W "h a r d D" -- "$cur")
			return
			;;
		-c | --chisel | -i | --chisel-info)
			mapfile -t COMPREPLY < <(compgen -W "$(koban chisels 2>/dev/null |
				sed -n 's/^  \([^ ]*\).*/\1/p')" -- "$cur")
			return
			;;
		--chisel-dir)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			return
			;;
		--top)
			compopt -o nospace
			mapfile -t COMPREPLY < <(compgen -W "key=" -- "$cur")
			return
			;;
		-p | --print | -d | --displayflt | -n | --numevents | -M | --seconds | -s | --snaplen)
			return
			;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-r -p -pc -pk -pp -j -d -n -M -t -A -x -X -b
				-v -S -q -s -P -c -i -R --chisel --chisel-info --chisel-dir --top --resolve-ports --read --live --print --json --displayflt --numevents
				--seconds --timetype --print-ascii --print-hex --print-hex-ascii
				--print-base64 --verbose --summary --quiet --enters --snaplen --progress
				--unbuffered --help" -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(
				compgen -d -- "$cur"
				compgen -f -X '!*.scap*' -- "$cur"
			)
		fi
		return
	fi
	if [[ $verb == top && ($prev == -r || $prev == --read) ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			compgen -d -- "$cur"
			compgen -f -X '!*.scap*' -- "$cur"
		)
		return
	fi
	case $prev in
	-r | -c | --rules | --config)
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			compgen -d -- "$cur"
			compgen -f -X '!*.y*ml' -- "$cur"
		)
		return
		;;
	--role)
		mapfile -t COMPREPLY < <(compgen -W "viewer analyst admin" -- "$cur")
		return
		;;
	-d | --data-dir | --captures)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--tls-cert | --tls-key | --store | --ingest)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--fail-on)
		mapfile -t COMPREPLY < <(compgen -W "emergency alert critical error warning notice
			informational debug" -- "$cur")
		return
		;;
	-o | --option)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$cur")
		return
		;;
	esac
	case $verb in
	watch)
		mapfile -t COMPREPLY < <(compgen -W "-r -c -o -M -q --rules --config --option
			--json --no-fold --all-events --panel --seconds --quiet --help" -- "$cur")
		;;
	up)
		mapfile -t COMPREPLY < <(compgen -W "-r -c -o -M -q --rules --config --option
			--json --no-fold --all-events --seconds --quiet --no-console --listen
			--data-dir --run-dir --help" -- "$cur")
		;;
	serve)
		mapfile -t COMPREPLY < <(compgen -W "-l -d -r -c -o -q --listen --tls-cert --tls-key --host
			--data-dir --store --ingest --rules --captures --user --config --option --json
			--show-token --ready-fd --quiet --add-user --add-token --role --days --help" -- "$cur")
		;;
	replay)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-r -c -o -n -q --rules --config --option
				--json --realtime --fail-on --events --quiet --help" -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(
				compgen -d -- "$cur"
				compgen -f -X '!*.scap*' -- "$cur"
			)
		fi
		;;
	capture)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-w -r -z -s -n -M -F -p -j -C -G -e -W -q --write
				--read --compress --snaplen --numevents --seconds --fatfile --rotate
				--print --format --json --redact --no-env --quiet --help" -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	top)
		if [[ $prev == --views ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		elif [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-r -d -M -s --read --delay --list-views
				--once --json --seconds --views --no-mouse --snaplen --help" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(koban top --list-views 2>/dev/null |
				cut -d' ' -f1)" -- "$cur")
		fi
		;;
	rules)
		if ((cword == 2)); then
			mapfile -t COMPREPLY < <(compgen -W "check list explain test --help" -- "$cur")
		elif [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "--json --verbose --rule --help" -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(
				compgen -d -- "$cur"
				compgen -f -X '!*.y*ml' -- "$cur"
			)
		fi
		;;
	fields)
		mapfile -t COMPREPLY < <(compgen -W "evt process fd fs.path user group fdlist util
			container k8s --all --json --markdown --help" -- "$cur")
		;;
	chisels)
		if [[ $prev == --chisel-dir ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		elif [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "--chisel-dir --json --help" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(koban chisels 2>/dev/null |
				sed -n 's/^  \([^ ]*\).*/\1/p')" -- "$cur")
		fi
		;;
	events)
		mapfile -t COMPREPLY < <(compgen -W "--json --help" -- "$cur")
		;;
	store)
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			compgen -W "stats check backup move-aside --output --json --help" -- "$cur"
			compgen -f -- "$cur"
		)
		;;
	esac
}
complete -F _koban koban
