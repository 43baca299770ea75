/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sinkhole as a mining pool: JSON lines of the three dialects of Stratum (Bitcoin's, Monero's,
 * Ethereum's). It gives work with a target that nobody ever meets, so that a miner logs in, says
 * who is to be paid and how it works, and stays. What it says is logged when it says it.
 */
#include <jansson.h>

#include "base/json.h"
#include "scan/detonate/sink.h"

enum { LINE_MAX_BYTES = 32 << 10, ALGORITHMS_MAX = 1024 };

/* Work that is well formed and empty: nobody's block. */
#define ZERO_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define BLOB_76 "1010" ZERO_32 ZERO_32 "000000000000000000000000"
#define XMR_JOB                                                                                    \
	"{\"blob\":\"" BLOB_76 "\",\"job_id\":\"1\",\"target\":\"01000000\",\"algo\":\"rx/0\","    \
	"\"height\":3000000,\"seed_hash\":\"" ZERO_32 "\"}"

static int begins(struct str first)
{
	struct str s = str_trim(first);

	return s.len && s.s[0] == '{' ? 1 : 0;
}

static struct str text_of(const json_t *v)
{
	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NULL;
}

/* ---- what the miner says ------------------------------------------------------------------- */

static void add_algorithms(struct sink *s, const json_t *list)
{
	struct buf b = BUF_INIT(ALGORITHMS_MAX);
	size_t i;
	json_t *v;

	json_array_foreach((json_t *)(uintptr_t)list, i, v)
	{
		if (b.len)
			buf_add_char(&b, ',');
		buf_add(&b, text_of(v));
	}
	log_add(s, "algorithms", buf_str(&b));
	buf_done(&b);
}

/* Monero's login has names for its parts; the others' calls have a list: user, password. */
static void tell(struct talk *t, const char *method, const json_t *params)
{
	struct sink *s = t->sink;
	const json_t *at0 = json_array_get(params, 0), *at1 = json_array_get(params, 1);
	bool is_login = json_is_object(params), is_subscribe = strstr(method, "subscribe") != NULL;

	if (!log_begin(s, "pool", &t->to, t->ssl != NULL))
		return;
	log_add(s, "method", str_head(str_of(method), 64));
	log_add(s, "user",
		is_login       ? text_of(json_object_get(params, "login"))
		: is_subscribe ? STR_NULL
			       : text_of(at0));
	log_add(s, "password", is_login ? text_of(json_object_get(params, "pass")) : text_of(at1));
	log_add(s, "agent",
		is_login       ? text_of(json_object_get(params, "agent"))
		: is_subscribe ? text_of(at0)
			       : STR_NULL);
	add_algorithms(s, json_object_get(params, "algo"));
	log_end(s);
}

/* ---- what the pool says -------------------------------------------------------------------- */

struct answer {
	const char *method;
	const char *result; /* JSON; behind the id */
	const char *then;   /* lines that follow */
};

static const struct answer answers[] = {
	{"login",
		"{\"id\":\"1\",\"job\":" XMR_JOB ",\"extensions\":[\"algo\",\"keepalive\"],"
		"\"status\":\"OK\"}",
		NULL},
	{"getjob", XMR_JOB, NULL},
	{"keepalived", "{\"status\":\"KEEPALIVED\"}", NULL},
	{"submit", "{\"status\":\"OK\"}", NULL},
	{"mining.subscribe",
		"[[[\"mining.set_difficulty\",\"1\"],[\"mining.notify\",\"1\"]],\"08000002\",4]",
		NULL},
	{"mining.configure", "{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\"}",
		NULL},
	{"mining.authorize", "true",
		"{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[1000000000]}\n"
		"{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"1\",\"" ZERO_32
		"\",\"01\",\"02\",[],\"20000000\",\"1702f128\",\"63848d2a\",true]}\n"},
	{"mining.submit", "true", NULL},
	{"mining.extranonce.subscribe", "true", NULL},
	{"eth_submitLogin", "true", NULL},
	{"eth_submitHashrate", "true", NULL},
	{"eth_submitWork", "true", NULL},
	{"eth_getWork", "[\"0x" ZERO_32 "\",\"0x" ZERO_32 "\",\"0x" ZERO_32 "\"]", NULL},
};

static const struct answer *answer_to(const char *method)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (!strcmp(answers[i].method, method))
			return &answers[i];
	return NULL;
}

static void answer(struct talk *t, const json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	char *id = json_dumps(json_object_get(request, "id"), JSON_ENCODE_ANY | JSON_COMPACT);
	const struct answer *known = method ? answer_to(method) : NULL;

	if (known && strstr(method, "ubmit") == NULL)
		tell(t, method, json_object_get(request, "params"));
	talk_say(t, STR("{\"id\":"));
	talk_say(t, str_of(id && strlen(id) < 100 ? id : "null"));
	talk_say(t, STR(",\"jsonrpc\":\"2.0\",\"result\":"));
	talk_say(t, str_of(known ? known->result : "null"));
	talk_say(t, STR(",\"error\":null}\n"));
	if (known && known->then)
		talk_say(t, str_of(known->then));
	free(id);
}

static void go(struct talk *t)
{
	struct str line;

	while (talk_line(t, &line)) {
		json_error_t je;
		json_t *request = line.len <= LINE_MAX_BYTES ? json_loadb(line.s, line.len,
								       JSON_REJECT_DUPLICATES, &je)
							     : NULL;

		if (json_is_object(request))
			answer(t, request);
		json_decref(request);
		talk_take(t, (size_t)str_find_char(buf_str(&t->pending), '\n') + 1);
	}
}

const struct protocol protocol_pool = {"json", begins, go};
