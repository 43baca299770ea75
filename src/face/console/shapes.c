/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of the API's nouns (schema.h says how they are written), and what its parameters mean.
 * A test asks a running server for each of them and holds the answer against its shape.
 */
#include "face/console/route.h"

#define PRIORITIES "'Emergency|Alert|Critical|Error|Warning|Notice|Informational|Debug'"
#define FINDING                                                                                    \
	"id:str time:time last_time:time count:int "                                               \
	"priority:Priority source:str output:str hostname:str process?:FindingProcess user:str "   \
	"tags:[str] state:State assignee:?str fingerprint:str mute:?str "
#define CONTAINER                                                                                  \
	"id:str name:str image:str hostname:str pod:str namespace:str running:bool "               \
	"privileged:bool first:?time last:?time entity:str findings:int open:int "                 \
	"worst_priority:?Priority "
#define RULE                                                                                       \
	"name:str enabled:bool priority:Priority tags:[str] source:str desc:str file:str "         \
	"line:int "                                                                                \
	"findings:int own:bool "
#define IMAGE                                                                                      \
	"id:str ref:str name:str digest:str platform:str "                                         \
	"verdict:'malicious|suspicious|risky|unknown|clean' reason:str labels:[str] "              \
	"findings:{critical:int high:int medium:int low:int info:int} system:str layers:int "      \
	"size_bytes:int files:int packages:int scanned:?time "

const struct schema_def route_schemas[] = {
	{"Priority", PRIORITIES},
	{"State", "'open|acknowledged|resolved|muted'"},
	{"Role", "'viewer|analyst|admin'"},
	{"Done", "{ok:bool}"},
	{"Changed", "{changed:int}"},
	{"Me", "{user:str role:Role csrf:str must_change_password:bool}"},

	{"FindingContainer", "{id:str name:str image:str pod:str namespace:str}"},
	{"FindingProcess", "{pid:int name:str exe:str cmdline:str}"},
	{"Finding", "{" FINDING "rule:str container?:FindingContainer}"},
	{"FindingList", "{items:[Finding] next:?str total:?int total_capped?:bool}"},
	{"Group", "{key:str name:str count:int findings:int open:int first:time last:time "
		  "worst_priority:Priority}"},
	{"GroupList", "{items:[Group] next:?str total:?int}"},
	{"RuleText", "{name:str desc:str condition:str output:str file:str line:int text:str}"},
	{"Technique", "{id:str name:str tactic:str url:str}"},
	{"Comment", "{who:str time:time text:str}"},
	{"History", "{who:str time:time action:str text:str}"},
	{"EntityRole", "{id:str kind:str name:str role:str}"},
	/* event … fields are the sensor's own; docs/outputs.md has them */
	{"FindingDetail",
		"{" FINDING
		"rule:RuleText event:any file:any connection:any processes:any container:any "
		"fields:any why:str technique:[Technique] advice:[str] capture:?str "
		"comments:[Comment] history:[History] entities:[EntityRole]}"},
	{"Moment",
		"{time:time pid:int process:str type:str text:str is_finding:bool finding:?str}"},
	{"MomentList", "{items:[Moment] next:?str total:?int}"},
	{"Related", "{same_fingerprint:[Finding] same_process:[Finding] same_container:[Finding]}"},

	{"Mute",
		"{id:str filter:str fingerprint:str rule:str reason:str until:?time created_by:str "
		"created:time muted_count:int last:?time expired:bool}"},
	{"MuteList", "{items:[Mute] next:?str total:?int}"},

	{"Sensor",
		"{up:bool since:?time version:str hostname:str kernel:str os:str events_per_s:num "
		"events_total:num cpu_percent:num rss_bytes:num rules:num dull_total:num "
		"findings_total:num processes:num containers:num drops:{*:num}}"},
	{"Now", "{sensor:Sensor counts:{open:int by_priority:{*:int} by_state:{*:int} "
		"last_hour:[int]} recent:[Finding]}"},
	{"Bucket", "{time:time total:int by_priority:{*:int}}"},
	{"BucketList", "{items:[Bucket] next:?str total:?int}"},
	{"Series", "{name:str hostname:str points:[Point]}"},
	{"Point", "{time:time mean:num min:num max:num}"},
	{"SeriesList", "{items:[Series] next:?str total:?int}"},

	{"Container", "{" CONTAINER "nprocesses:int cpu_ns:num rss_bytes:num started:?time "
		      "nconnections:int}"},
	{"ContainerList", "{items:[Container] next:?str total:?int}"},
	{"ContainerDetail", "{" CONTAINER "nprocesses:int cpu_ns:num rss_bytes:num started:?time "
			    "nconnections:int full_id:str digest:str engine:str pod_uid:str "
			    "host_network:bool host_pid:bool mounts:any connections:any}"},

	{"Entity", "{id:str kind:str key:str name:str findings:int open:int "
		   "worst_priority:?Priority first:?time last:?time attrs:any}"},
	{"EntityList", "{items:[Entity] next:?str total:?int}"},
	{"Edge", "{from:str to:str kind:str count:int first:?time last:?time}"},
	{"Graph", "{nodes:[Entity] edges:[Edge] truncated:bool}"},

	{"AttackTechnique", "{id:str name:str rules:[str] findings:int open:int}"},
	{"Tactic", "{id:str name:str techniques:[AttackTechnique]}"},
	{"Attack", "{tactics:[Tactic]}"},

	{"Rule", "{" RULE "}"},
	{"RuleList", "{items:[Rule] next:?str total:?int}"},
	{"RuleDetail", "{" RULE "condition:str output:str text:str explain:str}"},
	{"Issue",
		"{code:str severity:'error|warning' message:str line:int column:int snippet:str}"},
	{"Check", "{ok:bool issues:[Issue]}"},
	{"RuleFile", "{name:str text:str}"},
	{"RuleFileRow", "{name:str size:int}"},
	{"RuleFileList", "{items:[RuleFileRow] next:?str total:?int}"},
	{"TriedFinding", "{time:str rule:str priority:str output:str}"},
	{"Trial", "{captures:int events:int source:'recordings|demo' findings:[TriedFinding] "
		  "truncated:bool took_ms:int}"},

	{"ImageRow", "{" IMAGE "}"},
	{"ImageList", "{items:[ImageRow] next:?str total:?int}"},
	/* the report is that of koban image scan --json; docs/images.md has it */
	{"ImageDetail", "{" IMAGE "left_out:bool report:any}"},
	{"ImageScan", "{number:int ref:str by:str state:'waiting|running|done|failed' percent:num "
		      "problem:str asked:?time ended:?time}"},
	{"ImageScanList", "{items:[ImageScan] next:?str total:?int}"},
	{"Survey", "{taken:?time survey:any}"},

	{"Store",
		"{engine:str path:str version:str size_bytes:int free_bytes:int findings:int "
		"entities:int relations:int oldest:?time newest:?time schema:int "
		"retention:{age_s:int size_bytes:int} commits:int put_records:int put_refused:int "
		"put_known:int was_unclean:bool}"},
	{"Ingest", "{clients:int records:int refused:int batches:int retries:int stuck:bool "
		   "why:?str}"},
	{"Server", "{address:str tls:bool since:time connections:int streams:int requests:int "
		   "errors:int}"},
	{"System", "{version:str store:Store sensor:Sensor ingest:Ingest server:Server}"},
	{"Backup", "{name:str path:str size_bytes:int}"},
	{"User", "{name:str role:Role created:?time last_login:?time disabled:bool "
		 "has_password:bool must_change_password:bool}"},
	{"UserList", "{items:[User] next:?str total:?int}"},
	{"Token", "{id:str name:str role:Role created_by:str created:?time expires:?time "
		  "last_used:?time}"},
	{"TokenList", "{items:[Token] next:?str total:?int}"},
	{"NewToken", "{id:str token:str}"},
	{"AuditRow", "{id:str time:time who:str action:str target:str detail:str address:str}"},
	{"AuditList", "{items:[AuditRow] next:?str total:?int}"},
	{"FilterField", "{name:str type:str doc:str fast:bool}"},
	{"FilterFieldList", "{items:[FilterField] next:?str total:?int}"},
	{"RuleField", "{name:str type:str list:bool argument:bool doc:str}"},
	{"RuleFieldList", "{items:[RuleField] next:?str total:?int}"},
	{"CspReport", "{time:time document:str directive:str blocked:str source:str}"},
	{"CspReportList", "{items:[CspReport] next:?str total:?int}"},
	{"Health", "{status:'ok|degraded' version:str}"},
	{NULL, NULL},
};

const struct param_doc route_param_docs[] = {
	{"filter", "A condition in koban's filter language over findings; "
		   "GET /api/v1/findings/fields lists what it can name"},
	{"q", "Words to search for: all have to be there; \"a phrase\", prefix*, -without"},
	{"state", "Only these states, separated by commas"},
	{"priority", "Only these priorities, separated by commas"},
	{"rule", "Only findings of this rule"},
	{"container", "Only findings of this container: its id or name"},
	{"image", "Only findings in containers of this image"},
	{"host", "Only findings of this host"},
	{"user", "Only findings of this user"},
	{"technique", "Only findings of this ATT&CK technique, such as T1059, or of this tag"},
	{"fingerprint", "Only repeats of one finding"},
	{"assignee", "Only findings that this person has taken"},
	{"entity", "Only findings that speak of this entity"},
	{"from", "From this time on"},
	{"to", "Before this time"},
	{"cursor", "`next` of the page before"},
	{"limit", "At most so many items"},
	{"order", "What comes first"},
	{"total", "Count all that match, too; capped at 10,000"},
	{"by", "What to group by"},
	{"buckets", "Equal parts of the time range"},
	{"names", "Names of metrics, separated by commas; all when it is missing"},
	{"points", "At most so many points of a series"},
	{"running", "Only containers that run"},
	{"root", "The entity to begin with"},
	{"depth", "Steps from the root"},
	{"kind", "Only entities of these kinds, separated by commas"},
	{"who", "Only what this user did"},
	{"id", "As lists show it"},
	{"name", "As lists show it"},
	{NULL, NULL},
};
